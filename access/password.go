package access

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"toban/oncall"

	"github.com/alexedwards/argon2id"
)

// What a password may be. The most is there to bound the work; in bytes it is
// four times that.
const (
	MinPassword = 10  // characters
	MaxPassword = 256 // characters
)

// minDifferent is how many different characters a password has at least.
const minDifferent = 4

// hashWait is how long a password waits for its turn to be hashed.
const hashWait = 5 * time.Second

// ErrBusy is returned when too many log in at the same time.
var ErrBusy = &oncall.Error{Kind: oncall.Unavailable, Code: "access.busy", Message: "many are logging in at this moment; try again in a few seconds"}

// commonPasswords are passwords of ten characters and more that everybody tries
// first, one a line, in lower case.
//
//go:embed common.txt
var commonPasswords string

// CheckPassword returns nil when password may be that of an account: 10 to 256
// characters, not the account's name, not one that everybody tries first.
// Otherwise it fails with an Invalid error, access.password_….
func CheckPassword(account, password string) error {
	different := map[rune]bool{}
	if len(password) <= MaxPassword*utf8.UTFMax {
		for _, r := range password {
			different[r] = true
		}
	}
	switch n := utf8.RuneCountInString(password); {
	case n > MaxPassword || len(password) > MaxPassword*utf8.UTFMax:
		return weak("access.password_long", fmt.Sprintf("a password has at most %d characters", MaxPassword))
	case n < MinPassword:
		return weak("access.password_short", fmt.Sprintf("a password has at least %d characters", MinPassword))
	case fold(password) == fold(account):
		return weak("access.password_name", "the name is no password")
	case len(different) < minDifferent, isCommon(password):
		return weak("access.password_common", "that password is among the first that somebody would try")
	}
	return nil
}

func weak(code, message string) error {
	return &oncall.Error{Kind: oncall.Invalid, Code: code, Field: "/password", Message: message}
}

func isCommon(password string) bool {
	password = strings.ToLower(password)
	for line := range strings.Lines(commonPasswords) {
		if strings.TrimSuffix(line, "\n") == password {
			return true
		}
	}
	return false
}

// turn waits until one more password may be hashed; done ends the turn.
func (k *Keeper) turn(ctx context.Context) (done func(), err error) {
	wait := time.NewTimer(hashWait)
	defer wait.Stop()
	select {
	case k.hashes <- struct{}{}:
		return func() { <-k.hashes }, nil
	case <-wait.C:
		return nil, ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hash is what is kept of a password.
func (k *Keeper) hash(ctx context.Context, password string) (string, error) {
	done, err := k.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	return argon2id.CreateHash(password, &k.argon)
}

// verify reports whether password is that of a hash; stale says that the hash was
// made at another cost than is asked for now.
func (k *Keeper) verify(ctx context.Context, password, hash string) (match, stale bool, err error) {
	if len(password) > MaxPassword*utf8.UTFMax {
		return false, false, nil
	}
	done, err := k.turn(ctx)
	if err != nil {
		return false, false, err
	}
	defer done()
	match, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, errors.New("the hash of a password can't be read") // its text holds the hash
	}
	return match, *params != k.argon, nil
}

// nobody is a hash that no password has, at the usual cost: looking for an
// account that doesn't exist takes as long as a wrong password.
func (k *Keeper) nobody() string {
	p := k.argon
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Iterations, p.Parallelism,
		strings.Repeat("A", base64Length(p.SaltLength)), strings.Repeat("A", base64Length(p.KeyLength)))
}

// base64Length is how many characters n bytes take without padding.
func base64Length(n uint32) int { return int(n*8+5) / 6 }
