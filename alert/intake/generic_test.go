package intake

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"toban/oncall"
)

func TestAnEventsMembersAreReadAsWords(t *testing.T) {
	t.Parallel()
	body := `{"Key": 17, "summary": "disk full", "severity": "warning", "by": null,
		"labels": {"host": "db-1", "rack": 3, "spare": false, "none": null}, "annotations": {"load": 0.5}, "more": [1]}`
	got, err := newGeneric().parse([]byte(body), &oncall.Integration{})
	if err != nil {
		t.Fatal(err)
	}
	want := []oncall.Signal{{
		Key: "17", Action: oncall.Trigger, Title: "disk full", Severity: oncall.Warning,
		Labels: map[string]string{"host": "db-1", "rack": "3", "spare": "false"}, Annotations: map[string]string{"load": "0.5"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signals (-want +got):\n%s", diff)
	}
}

func TestAMemberThatIsNoWordIsNamed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"key": {"id": 1}}`:                        "/key: expected a string, found an object",
		`{"key": "a", "group": ["b"]}`:              "/group: expected a string, found an array",
		`{"key": "a", "labels": "b"}`:               "/labels: expected an object, found a string",
		`{"key": "a", "annotations": {"x": ["y"]}}`: "/annotations/x: expected a string, found an array",
	} {
		_, err := newGeneric().parse([]byte(body), &oncall.Integration{})
		e, ok := err.(*oncall.Error) //nolint:errorlint // it is bare here
		if !ok {
			t.Errorf("%s: got %v, want a typed error", body, err)
			continue
		}
		if got := e.Field + ": " + e.Message; got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestALargeNumberKeepsItsDigits(t *testing.T) {
	t.Parallel()
	const id = "9007199254740993" // one more than a float can tell from its neighbour
	for name, mapping := range map[string]string{"as it is": "", "mapped": "{key: .key, summary: .summary, labels: {host: .labels.host, next: (.labels.host + 1)}}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"key": ` + id + `, "summary": "disk full", "labels": {"host": ` + id + `00000, "next": ` + id + `00001}}`
			got, err := newGeneric().parse([]byte(body), &oncall.Integration{Map: mapping})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"host": id + "00000", "next": id + "00001"}
			if diff := cmp.Diff(want, got[0].Labels); got[0].Key != id || diff != "" {
				t.Errorf("got key %s, want %s; labels (-want +got):\n%s", got[0].Key, id, diff)
			}
		})
	}
}

func TestWhatIsNoSingleDocumentIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "  ", `{"key": "a"`, `{"key": "a"} {"key": "b"}`, `{"key": "a"} x`, `{"key": 1` + strings.Repeat("0", 1000) + `}`,
	} {
		_, err := newGeneric().parse([]byte(body), &oncall.Integration{})
		if e, ok := err.(*oncall.Error); !ok || e.Kind != oncall.Invalid { //nolint:errorlint // it is bare here
			t.Errorf("%.40s: got %v, want a typed error", body, err)
		}
	}
}
