package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"toban/oncall"
)

// Object is one piece of configuration: the canonical JSON of its oncall type.
type Object struct {
	Kind string
	Name string // unique within the kind
	Body []byte
	File string // where it is written, for people; "" for what was made at run time
	Line int
}

// The kinds of object.
const (
	ObjectSettings    = "settings" // one, its name is "settings"
	ObjectUser        = "user"
	ObjectSchedule    = "schedule"
	ObjectPolicy      = "policy"
	ObjectService     = "service" // their order is the order in which Apply was given them
	ObjectIntegration = "integration"
	ObjectPager       = "pager"
	ObjectStage       = "stage"
	ObjectRoute       = "route" // ordered, too
	ObjectOverride    = "override"
)

// Where an object comes from: what is written in a file is not changed at run
// time.
const (
	fromFile = "file"
	fromData = "data"
)

// ErrManagedByFile is returned when what is written in a file is changed at run
// time.
var ErrManagedByFile = &oncall.Error{Kind: oncall.Conflict, Code: "object.managed_by_file", Message: "it is managed by a file; change it there"}

// ErrUnknownObject is returned for an object that does not exist.
var ErrUnknownObject = &oncall.Error{Kind: oncall.NotFound, Code: "object.not_found", Message: "there is nothing of that name"}

// Hash returns the content hash of the object, which for a policy is its
// Revision (R14).
func (o *Object) Hash() string {
	h := sha256.New()
	h.Write([]byte(o.Kind))
	h.Write([]byte{0})
	h.Write(o.Body)
	return hex.EncodeToString(h.Sum(nil))
}

// storedObject is an object with what only the store knows of it.
type storedObject struct {
	Object
	hash   string
	source string
	ord    int64
}

type objectName struct{ kind, name string }

const selectObjects = `
	SELECT kind, name, ord, hash, body, source, file, line FROM objects
	WHERE $1 = '' OR kind = $1 ORDER BY kind, ord, name`

func scanObject(rows row) (o storedObject, err error) {
	var line sql.NullInt64
	err = rows.Scan(&o.Kind, &o.Name, &o.ord, &o.hash, &o.Body, &o.source, into(&o.File), &line)
	o.Line = int(line.Int64)
	return o, err
}

// Objects returns all objects of a kind, or of all kinds when it is "", in
// their order.
func (tx *Tx) Objects(ctx context.Context, kind string) ([]Object, error) {
	var list []Object
	err := tx.all(ctx, selectObjects, func(rows row) error {
		o, err := scanObject(rows)
		list = append(list, o.Object)
		return err
	}, clean(kind))
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	return list, nil
}

// Apply replaces all objects that come from files in one go, in the order
// given, and returns the version of the directory that this makes and how many
// objects were added, changed or removed. When that is none, the version stays.
// One that was made at run time and is now in a file belongs to the file.
func (tx *Tx) Apply(ctx context.Context, objects []Object) (version int64, changed int, err error) {
	if version, err = tx.version(ctx, lockVersion); err != nil {
		return 0, 0, err
	}
	stored := map[objectName]storedObject{}
	err = tx.all(ctx, selectObjects, func(rows row) error {
		o, err := scanObject(rows)
		stored[objectName{o.Kind, o.Name}] = o
		return err
	}, "")
	if err != nil {
		return 0, 0, fmt.Errorf("objects: %w", err)
	}
	given := make(map[objectName]bool, len(objects))
	moved := 0
	for i := range objects {
		o := &objects[i]
		name := objectName{o.Kind, o.Name}
		if given[name] {
			return 0, 0, &oncall.Error{Kind: oncall.Invalid, Code: "object.twice", Message: fmt.Sprintf("%s %s is there twice", o.Kind, o.Name)}
		}
		given[name] = true
		was, known := stored[name]
		hash := o.Hash()
		switch {
		case !known || was.hash != hash:
			changed++
		case was.ord != int64(i):
			moved++
		case was.source == fromFile && was.File == o.File && was.Line == o.Line:
			continue
		}
		if err := tx.saveObject(ctx, o, hash, fromFile, int64(i), version+1); err != nil {
			return 0, 0, err
		}
	}
	for name, o := range stored {
		if o.source == fromFile && !given[name] {
			changed++
			if err := tx.removeObject(ctx, name.kind, name.name); err != nil {
				return 0, 0, err
			}
		}
	}
	if changed == 0 {
		changed = moved // the order of services says which takes a signal
	}
	if changed == 0 {
		return version, 0, nil
	}
	return version + 1, changed, tx.raise(ctx)
}

// raise makes the configuration a new version.
func (tx *Tx) raise(ctx context.Context) error {
	tx.reordered = true
	if _, err := tx.do(ctx, raiseVersion); err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	tx.Changed(TopicDirectory, "")
	return nil
}

const upsertObject = `
	INSERT INTO objects(kind, name, ord, hash, body, source, file, line, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	ON CONFLICT (kind, name) DO UPDATE SET ord = excluded.ord, hash = excluded.hash, body = excluded.body,
		source = excluded.source, file = excluded.file, line = excluded.line, version = excluded.version`

const insertRevision = `
	INSERT INTO revisions(hash, kind, body, created_at) VALUES ($1, $2, $3, $4)
	ON CONFLICT (hash) DO NOTHING`

func (tx *Tx) saveObject(ctx context.Context, o *Object, hash, source string, ord, version int64) error {
	_, err := tx.do(ctx, upsertObject, o.Kind, o.Name, ord, hash, string(o.Body), source, str(o.File), o.Line, version)
	if err == nil && o.Kind == ObjectPolicy {
		_, err = tx.do(ctx, insertRevision, hash, o.Kind, string(o.Body), tx.Now.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", o.Kind, o.Name, err)
	}
	return nil
}

const deleteObject = `DELETE FROM objects WHERE kind = $1 AND name = $2`

func (tx *Tx) removeObject(ctx context.Context, kind, name string) error {
	if _, err := tx.do(ctx, deleteObject, kind, name); err != nil {
		return fmt.Errorf("%s %s: %w", kind, name, err)
	}
	return nil
}

const selectObject = `SELECT source, hash FROM objects WHERE kind = $1 AND name = $2`

// PutObject stores an object that is made at run time, such as an override, and
// raises the directory's version. It fails with ErrManagedByFile when the object
// comes from a file.
func (tx *Tx) PutObject(ctx context.Context, o Object) error {
	version, err := tx.version(ctx, lockVersion)
	if err != nil {
		return err
	}
	var source, was string
	if _, err := tx.one(ctx, selectObject, []any{o.Kind, clean(o.Name)}, &source, &was); err != nil {
		return fmt.Errorf("%s %s: %w", o.Kind, o.Name, err)
	}
	hash := o.Hash()
	switch {
	case source == fromFile:
		return ErrManagedByFile
	case was == hash:
		return nil
	}
	o.File, o.Line = "", 0
	if err := tx.saveObject(ctx, &o, hash, fromData, 0, version+1); err != nil {
		return err
	}
	return tx.raise(ctx)
}

// DeleteObject removes an object that was made at run time and raises the
// directory's version. It fails with ErrManagedByFile or ErrUnknownObject.
func (tx *Tx) DeleteObject(ctx context.Context, kind, name string) error {
	if _, err := tx.version(ctx, lockVersion); err != nil {
		return err
	}
	var source, hash string
	found, err := tx.one(ctx, selectObject, []any{kind, clean(name)}, &source, &hash)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", kind, name, err)
	case !found:
		return ErrUnknownObject
	case source == fromFile:
		return ErrManagedByFile
	}
	if err := tx.removeObject(ctx, kind, name); err != nil {
		return err
	}
	return tx.raise(ctx)
}
