package access

import (
	"log/slog"
	"sync/atomic"

	"toban/store"

	"github.com/alexedwards/argon2id"
)

// Keeper keeps accounts, sessions, invites and tokens. Its methods may be called
// from many goroutines; it has none of its own.
type Keeper struct {
	db     *store.DB
	log    *slog.Logger
	argon  argon2id.Params
	hashes chan struct{} // one for each password that may be hashed at the same time

	known    *memory // principals of sessions and tokens
	accounts *tries  // at accounts
	places   *tries  // from addresses

	people atomic.Pointer[people] // of the newest directory that was looked at
}

// Options are what a Keeper may be told.
type Options struct {
	// Argon is the cost of a password; the zero value is Argon().
	Argon ArgonParams
}

// ArgonParams is the cost of hashing a password. Tests take a cheap one.
type ArgonParams struct {
	Memory     uint32 // KiB
	Iterations uint32
}

// Argon is the cost that OWASP and RFC 9106 call sufficient, and that a small
// machine pays in about a quarter of a second.
func Argon() ArgonParams { return ArgonParams{Memory: 64 << 10, Iterations: 3} }

// maxHashes is how many passwords are hashed at the same time: each takes
// ArgonParams.Memory, and a storm of logins must not take the pager's.
const maxHashes = 2

// New returns a Keeper on db.
func New(db *store.DB, log *slog.Logger, o Options) *Keeper {
	if o.Argon == (ArgonParams{}) {
		o.Argon = Argon()
	}
	return &Keeper{
		db: db, log: log,
		// One lane: the cost must not depend on the machine on which it was set.
		argon:    argon2id.Params{Memory: o.Argon.Memory, Iterations: o.Argon.Iterations, Parallelism: 1, SaltLength: 16, KeyLength: 32},
		hashes:   make(chan struct{}, maxHashes),
		known:    newMemory(),
		accounts: newTries(triesOfAccount),
		places:   newTries(triesOfPlace),
	}
}
