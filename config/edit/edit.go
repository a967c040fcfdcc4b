// Package edit changes the configuration at run time: overrides, the keys of
// senders, and the folder as a whole. The API and the pages call it and nothing
// else, so that both check the same and leave the same behind: every change is
// on the audit log, in the transaction that makes it.
//
// What a file manages is changed in that file; edit says where it stands. It
// never changes an incident: those have their own use cases and their timelines.
package edit

import (
	"context"
	"fmt"
	"log/slog"

	"toban/access"
	"toban/config"
	"toban/internal/promcheck"
	"toban/oncall"
	"toban/store"
)

// Editor makes changes. Its methods may be called from many goroutines; who asks
// is in their context (access.With), and nobody stands for toban itself. They
// need the role that their comment names.
type Editor struct{ o Options }

// Options say what an Editor works with.
type Options struct {
	DB  *store.DB
	Log *slog.Logger
	// Accepts says whether toban could work with a configuration before it is
	// taken into force, as when a secret that it refers to is missing; nil = always.
	Accepts func(*oncall.Directory, config.Providers) error
	// Watches says whether toban could ask what a monitor wants to know; nil = always.
	Watches func(*oncall.Monitor) error
	// Faults says what is wrong with PromQL that somebody wants evaluated; nil =
	// nothing ever is. The answer takes a process: it is asked outside of transactions.
	Faults func(ctx context.Context, expressions []string) ([]promcheck.Fault, error)
}

// New returns an Editor.
func New(o Options) *Editor { return &Editor{o} }

// may refuses whoever has a lower role; toban itself has none and may.
func may(ctx context.Context, role access.Role) error {
	if _, somebody := access.From(ctx); !somebody {
		return nil
	}
	return access.Require(ctx, role)
}

// place finds where an object is written; "" for one that was made at run time.
func place(ctx context.Context, tx *store.Tx, kind, name string) (string, error) {
	objects, err := tx.Objects(ctx, kind)
	if err != nil {
		return "", err
	}
	for _, o := range objects {
		if o.Name == name && o.File != "" {
			return fmt.Sprintf("%s:%d", o.File, o.Line), nil
		}
	}
	return "", nil
}

// managed says which file manages something that was to be changed.
func managed(what, place string) error {
	if place == "" {
		return store.ErrManagedByFile
	}
	return &oncall.Error{
		Kind: store.ErrManagedByFile.Kind, Code: store.ErrManagedByFile.Code,
		Message: what + " is managed by " + place + "; change it there and apply the folder",
	}
}

// missing says that a name is none of the configuration's.
func missing(kind, name string) error {
	return &oncall.Error{Kind: store.ErrUnknownObject.Kind, Code: store.ErrUnknownObject.Code, Message: "there is no " + kind + " named " + name}
}

func invalid(field, code, message string) error {
	return &oncall.Error{Kind: oncall.Invalid, Code: code, Message: message, Field: field}
}
