package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"toban/internal/problem"
	"toban/oncall"
)

var (
	errUnfit  = &oncall.Error{Kind: oncall.Invalid, Code: "request.invalid", Message: "the request does not fit the operation"}
	errMedia  = &oncall.Error{Kind: oncall.Invalid, Code: "request.content_type", Message: "the body has to be JSON, with Content-Type: application/json"}
	errSlow   = &oncall.Error{Kind: oncall.Invalid, Code: "request.timeout", Message: "the body took too long"}
	errBroken = &oncall.Error{Kind: oncall.Invalid, Code: "request.unreadable", Message: "the connection ended before the body did"}
)

// coded gives the answers that the framework makes itself, for a body or a
// parameter that doesn't fit, a code and the first offending member. The type of
// every error begins with the path that toban is below.
func coded(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*Problem); ok {
		return below(ctx, p.Document), nil
	}
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	doc := problem.Of(errUnfit)
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		doc = problem.Of(errTooLarge)
	case http.StatusUnsupportedMediaType:
		doc = problem.Of(errMedia)
	case http.StatusRequestTimeout:
		doc = problem.Of(errSlow)
	case http.StatusInternalServerError:
		doc = problem.Of(errBroken) // the only way: what our own code fails at never comes by here
		e.Status = http.StatusBadRequest
	default:
		doc.Detail = e.Detail
		if len(e.Errors) > 0 {
			doc.Detail, doc.Field = e.Errors[0].Message, pointer(e.Errors[0].Location)
		}
	}
	doc.Status, doc.Title = e.Status, http.StatusText(e.Status)
	return below(ctx, doc), nil
}

func below(ctx huma.Context, doc problem.Document) *Problem {
	doc.Type = problem.Path(ctx.Context()) + doc.Type
	return &Problem{doc}
}

// pointer turns a place as the framework writes it, body.users[0] or query.limit,
// into a JSON pointer into the body, or the name of the parameter behind a slash.
func pointer(location string) string {
	_, rest, _ := strings.Cut(location, ".")
	if rest == "" {
		return ""
	}
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(rest)
}
