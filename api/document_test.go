package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"toban/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

// spec is the parts of the OpenAPI document that are looked at.
type spec struct {
	OpenAPI    string `json:"openapi"`
	Paths      map[string]map[string]operation
	Components struct {
		Schemas         map[string]json.RawMessage
		SecuritySchemes map[string]any
		Responses       map[string]response
	}
}

type operation struct {
	OperationID string `json:"operationId"`
	Summary     string
	Description string
	Tags        []string
	Role        string `json:"x-role"`
	Security    []map[string][]string
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]response
	Parameters  []struct{ Name, Description string }
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     map[string]media
}

type media struct {
	Schema  json.RawMessage
	Example json.RawMessage
}

func document(t *testing.T) (spec, []byte) {
	t.Helper()
	i := sqlite(t)
	got := i.as("", http.MethodGet, "/api/v1/openapi.json", "")
	if got.status != http.StatusOK {
		t.Fatalf("got %d %s, want the document", got.status, got.body)
	}
	var s spec
	if err := json.Unmarshal(got.body, &s); err != nil {
		t.Fatal(err)
	}
	yaml := i.as("", http.MethodGet, "/api/v1/openapi.yaml", "")
	if yaml.status != http.StatusOK || !bytes.Contains(yaml.body, []byte("openapi: 3.1")) {
		t.Errorf("openapi.yaml: got %d, want the document", yaml.status)
	}
	return s, got.body
}

func TestTheOpenAPIDocumentIsTheOneThatWasReviewed(t *testing.T) {
	t.Parallel()
	_, raw := document(t)
	var indented bytes.Buffer
	if err := json.Indent(&indented, raw, "", " "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, indented.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("the document has changed; look at the difference after go test ./api -run OpenAPI -update")
	}
}

func TestEveryOperationSaysWhatItDoesWithAnExample(t *testing.T) {
	t.Parallel()
	s, _ := document(t)
	if !strings.HasPrefix(s.OpenAPI, "3.1") {
		t.Errorf("got OpenAPI %s, want 3.1", s.OpenAPI)
	}
	for path, ops := range s.Paths {
		for method, op := range ops {
			where := strings.ToUpper(method) + " " + path
			if op.Summary == "" || op.Description == "" || len(op.Tags) != 1 || op.OperationID == "" || op.Role == "" || len(op.Security) == 0 {
				t.Errorf("%s lacks one of summary, description, tag, id, role, security: %+v", where, op)
			}
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Content {
					if len(m.Example) == 0 || string(m.Example) == "null" {
						t.Errorf("%s: the body has no example", where)
					}
				}
			}
			for status, res := range op.Responses {
				if name, ok := strings.CutPrefix(res.Ref, "#/components/responses/"); ok {
					res = s.Components.Responses[name]
				}
				if res.Description == "" || len(res.Content) == 0 {
					t.Errorf("%s: the answer %s says nothing", where, status)
				}
				for _, m := range res.Content {
					if len(m.Example) == 0 || string(m.Example) == "null" {
						t.Errorf("%s: the answer %s has no example", where, status)
					}
				}
			}
			for _, status := range []string{"401", "403", "429", "503"} {
				if _, ok := op.Responses[status]; !ok {
					t.Errorf("%s does not say %s", where, status)
				}
			}
			for _, p := range op.Parameters {
				if p.Description == "" && !slices.Contains([]string{"state", "service", "urgency", "severity", "name"}, p.Name) {
					t.Errorf("%s: parameter %s has no description", where, p.Name)
				}
			}
		}
	}
}

func TestEverySchemaHasAnExampleThatFits(t *testing.T) {
	t.Parallel()
	i := sqlite(t)
	spec := api.Document(i.options)
	all := spec.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		if len(s.Examples) == 0 {
			t.Errorf("schema %s has no example", name)
			continue
		}
		for _, example := range s.Examples {
			path, result := huma.NewPathBuffer([]byte{}, 0), &huma.ValidateResult{}
			huma.Validate(spec.Components.Schemas, s, path, huma.ModeReadFromServer, example, result)
			for _, e := range result.Errors {
				t.Errorf("schema %s: %v", name, e)
			}
		}
	}
	fits := func(where string, content map[string]*huma.MediaType) {
		for _, m := range content {
			if m.Schema == nil || m.Example == nil {
				continue
			}
			path, result := huma.NewPathBuffer([]byte{}, 0), &huma.ValidateResult{}
			huma.Validate(spec.Components.Schemas, m.Schema, path, huma.ModeReadFromServer, m.Example, result)
			for _, e := range result.Errors {
				t.Errorf("%s: %v", where, e)
			}
		}
	}
	for status, res := range spec.Components.Responses {
		fits(status, res.Content)
	}
	for path, item := range spec.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op == nil {
				continue
			}
			if op.RequestBody != nil {
				fits(fmt.Sprintf("%s %s, the body", op.Method, path), op.RequestBody.Content)
			}
			for status, res := range op.Responses {
				fits(fmt.Sprintf("%s %s, %s", op.Method, path, status), res.Content)
			}
		}
	}
}
