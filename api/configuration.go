package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"toban/config"
)

// Object is one named thing of a configuration folder, as `toban apply` sends
// it: already checked, in canonical JSON.
type Object struct {
	Kind string          `json:"kind" maxLength:"32"`
	Name string          `json:"name" maxLength:"255"`
	Body json.RawMessage `json:"body" doc:"JSON of the object"`
	File string          `json:"file,omitempty" maxLength:"1024" doc:"where it is written"`
	Line int             `json:"line,omitempty" minimum:"0"`
}

// Folder is a whole configuration.
type Folder struct {
	Objects []Object `json:"objects" maxItems:"100000"`
}

// Applied says what an apply did.
type Applied struct {
	Version int64           `json:"version" doc:"of the directory"`
	Changed int             `json:"changed" doc:"objects that are new, different or gone"`
	Objects []ObjectChanged `json:"objects" doc:"the first 200 of them"`
}

// ObjectChanged is one object that an apply has changed.
type ObjectChanged struct {
	Action string `json:"action" enum:"created,changed,deleted"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
}

// Configuration is what is in force.
type Configuration struct {
	Version    int64    `json:"version"`
	Objects    []Object `json:"objects"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

func (a *API) configuration(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "apply-configuration", Method: http.MethodPut, Path: "/api/v1/configuration", Tags: []string{tagConfiguration},
		MaxBodyBytes: 64 << 20, Errors: []int{400, 409},
		Summary: "Replace all that comes from files",
		Description: "In one step, when this toban could work with it; otherwise nothing is changed. What was made at run time stays. " +
			"`toban apply` checks a folder and sends it.",
	}, func(ctx context.Context, in *struct{ Body Folder }) (*struct{ Body Applied }, error) {
		objects := make([]config.Object, len(in.Body.Objects))
		for i, o := range in.Body.Objects {
			objects[i] = config.Object{Kind: o.Kind, Name: o.Name, Body: o.Body, File: o.File, Line: o.Line}
		}
		done, err := a.o.Edit.Apply(ctx, objects)
		out := Applied{Version: done.Version, Changed: done.Changed, Objects: []ObjectChanged{}}
		for _, o := range done.Objects {
			out.Objects = append(out.Objects, ObjectChanged(o))
		}
		return &struct{ Body Applied }{out}, err
	})
	register(a, h, huma.Operation{
		OperationID: "export-configuration", Method: http.MethodGet, Path: "/api/v1/configuration", Tags: []string{tagConfiguration}, Errors: []int{400},
		Summary:     "The configuration that is in force",
		Description: "As canonical JSON, overrides included. Addresses of people are in it as they are; secrets are references.",
	}, func(ctx context.Context, in *Paged) (*struct{ Body Configuration }, error) {
		all, err := a.o.Edit.Export(ctx)
		if err != nil {
			return nil, err
		}
		part, next, err := page(all.Objects, *in, func(o *config.Object) string { return o.Kind + "/" + o.Name })
		out := Configuration{Version: all.Version, Objects: []Object{}, NextCursor: next}
		for _, o := range part {
			out.Objects = append(out.Objects, Object{Kind: o.Kind, Name: o.Name, Body: o.Body, File: o.File, Line: o.Line})
		}
		return &struct{ Body Configuration }{out}, err
	})
}
