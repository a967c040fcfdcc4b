package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"toban/access"
	"toban/oncall"
)

// Token is a key to this API as it can be shown: Secret only when it is made.
type Token struct {
	Hash      string     `json:"hash" doc:"names the token; the token itself is not kept"`
	Name      string     `json:"name" doc:"what uses it"`
	Account   string     `json:"account,omitempty" doc:"left out when it is the installation's"`
	Role      string     `json:"role" enum:"viewer,responder,manager,admin" doc:"at most; never more than the account's"`
	Secret    string     `json:"secret,omitempty" doc:"shown this once"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	UsedAt    *time.Time `json:"used_at,omitempty" doc:"to about a minute"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// TokenRequest is what is needed to make a token.
type TokenRequest struct {
	Name    string    `json:"name" minLength:"1" maxLength:"100" doc:"what is going to use it"`
	Role    string    `json:"role" enum:"viewer,responder,manager,admin"`
	Expires time.Time `json:"expires,omitzero" format:"date-time" doc:"never when left out"`
}

// TokenList is one page of tokens.
type TokenList struct {
	Tokens     []Token `json:"tokens"`
	NextCursor string  `json:"next_cursor,omitempty"`
}

func (a *API) tokens(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-tokens", Method: http.MethodGet, Path: "/api/v1/tokens", Tags: []string{tagAccess}, Errors: []int{400},
		Summary: "List the tokens of this API", Description: "Your own; for an admin those of all accounts and of the installation. The newest first; those that have ended in the last three months, too.",
	}, func(ctx context.Context, in *Paged) (*struct{ Body TokenList }, error) {
		all, err := a.tokensOf(ctx)
		if err != nil {
			return nil, err
		}
		part, next, err := page(all, *in, func(t *access.Token) string { return t.Hash })
		out := TokenList{Tokens: []Token{}, NextCursor: next}
		for _, t := range part {
			out.Tokens = append(out.Tokens, wireToken(t))
		}
		return &struct{ Body TokenList }{out}, err
	})
	register(a, h, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/api/v1/tokens", Tags: []string{tagAccess},
		DefaultStatus: http.StatusCreated, Errors: []int{400, 409},
		Summary: "Make a token", Description: "It is shown this once; only its hash is kept. It is yours, and may at most what its role and your account may.",
	}, func(ctx context.Context, in *struct{ Body TokenRequest }) (*struct{ Body Token }, error) {
		p, _ := access.From(ctx)
		secret, t, err := a.o.Access.CreateToken(ctx, p, in.Body.Name, access.Role(in.Body.Role), in.Body.Expires)
		out := wireToken(t)
		out.Secret = secret
		return &struct{ Body Token }{out}, err
	})
	register(a, h, huma.Operation{
		OperationID: "revoke-token", Method: http.MethodDelete, Path: "/api/v1/tokens/{hash}", Tags: []string{tagAccess}, Errors: []int{404, 409},
		Summary: "Revoke a token", Description: "It stops working at once, on other nodes within five seconds. The answer is the token as it is now.",
	}, a.revokeToken)
}

func (a *API) revokeToken(ctx context.Context, in *struct {
	Hash string `path:"hash" maxLength:"64" doc:"the hash, or an unmistakable beginning of six characters or more"`
},
) (*struct{ Body Token }, error) {
	all, err := a.tokensOf(ctx)
	if err != nil {
		return nil, err
	}
	t, err := oneToken(all, in.Hash)
	if err != nil {
		return nil, err
	}
	p, _ := access.From(ctx)
	if err := a.o.Access.RevokeToken(ctx, p, t.Hash); err != nil {
		return nil, err
	}
	t.RevokedAt = time.Now().UTC().Truncate(time.Millisecond)
	return &struct{ Body Token }{wireToken(t)}, nil
}

// tokensOf are the tokens that who asks may see: their own, or all.
func (a *API) tokensOf(ctx context.Context) ([]access.Token, error) {
	p, _ := access.From(ctx)
	if p.Role.Includes(access.Admin) {
		return a.o.Access.AllTokens(ctx)
	}
	return a.o.Access.Tokens(ctx, p.Account)
}

// oneToken finds the one token whose hash begins with prefix.
func oneToken(all []access.Token, prefix string) (found access.Token, err error) {
	const least = 6
	n := 0
	for _, t := range all {
		if len(prefix) >= least && strings.HasPrefix(t.Hash, prefix) {
			found = t
			n++
		}
	}
	switch {
	case n > 1:
		return found, &oncall.Error{Kind: oncall.Conflict, Code: "access.token_ambiguous", Message: "several tokens begin so; give more of the hash"}
	case n == 0:
		return found, access.ErrTokenUnknown
	case !found.RevokedAt.IsZero():
		return found, &oncall.Error{Kind: oncall.Conflict, Code: "access.token_revoked", Message: "the token was revoked already, at " + found.RevokedAt.Format(time.RFC3339)}
	}
	return found, nil
}

func wireToken(t access.Token) Token {
	return Token{
		Hash: t.Hash, Name: t.Name, Account: t.Account, Role: string(t.Role), CreatedAt: t.CreatedAt,
		ExpiresAt: optional(t.ExpiresAt), UsedAt: optional(t.UsedAt), RevokedAt: optional(t.RevokedAt),
	}
}
