package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"toban/config"
	"toban/store"
)

// Object is one named thing of a configuration folder, as `toban apply` sends
// it: already checked, in canonical JSON.
type Object struct {
	Kind string          `json:"kind" maxLength:"32"`
	Name string          `json:"name" maxLength:"255"`
	Body json.RawMessage `json:"body"`
	File string          `json:"file" maxLength:"1024"`
	Line int             `json:"line"`
}

// Applied says what an apply did.
type Applied struct {
	Version int64 `json:"version" doc:"of the directory"`
	Changed int   `json:"changed" doc:"objects that are new, different or gone"`
}

type appliedOutput struct{ Body Applied }

func (a *API) configuration(h huma.API) {
	huma.Register(h, huma.Operation{
		OperationID: "apply-configuration", Method: http.MethodPut, Path: "/api/v1/configuration", Summary: "Replace all that comes from files", MaxBodyBytes: 64 << 20, Errors: []int{400},
	}, func(ctx context.Context, in *struct {
		Body struct {
			Objects []Object `json:"objects" maxItems:"100000"`
		}
	},
	) (*appliedOutput, error) {
		objects := make([]config.Object, len(in.Body.Objects))
		for i, o := range in.Body.Objects {
			objects[i] = config.Object{Kind: o.Kind, Name: o.Name, Body: o.Body, File: o.File, Line: o.Line}
		}
		var out appliedOutput
		err := a.db.Tx(ctx, func(tx *store.Tx) (err error) {
			out.Body.Version, out.Body.Changed, err = config.Apply(ctx, tx, objects)
			return err
		})
		if err != nil {
			return nil, a.failed(ctx, err)
		}
		return &out, nil
	})
}
