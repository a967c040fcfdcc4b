package config

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"toban/internal/yamltoken"
	"toban/oncall"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now is a working day on which the examples are looked at.
var now = time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)

func one(body string) fs.FS { return fstest.MapFS{"x.yaml": {Data: []byte(body)}} }

func lines(problems []Problem) string {
	var b strings.Builder
	Report(&b, problems)
	return b.String()
}

// Each file of testdata/problems has its problems beside it.
func TestProblemsAreToldAllAtOnceWithTheirPlaces(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("files = %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, problems := LoadFS(fstest.MapFS{"x.yaml": {Data: raw}})
			if (c == nil) != Failed(problems) {
				t.Errorf("config is nil: %t, failed: %t", c == nil, Failed(problems))
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			got := lines(problems)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoProblemRepeatsASecretOrAPhoneNumber(t *testing.T) {
	t.Parallel()
	_, problems := LoadFS(one(`
providers:
  twilio: { account: AC1, token: hunter2hunter2, from: "+81 50 7777 7777" }
  slack: { token: xoxb-hunter2, signing_secret: "env:not a name" }
users:
  ann: { contacts: { phone: { call: "090-7777-7777" } } }
pagers:
  legacy: { url: "https://hunter2@events.example.jp", routing_key: hunter2 }
integrations:
  x: { dialect: generic, key: hunter2 }
`))
	got := lines(problems)
	for _, secret := range []string{"hunter2", "7777"} {
		if strings.Contains(got, secret) {
			t.Errorf("problems contain %q:\n%s", secret, got)
		}
	}
	if n := strings.Count(got, "\n"); n < 8 {
		t.Errorf("got %d problems, want at least 8:\n%s", n, got)
	}
}

func TestTheDocumentedExampleLoads(t *testing.T) {
	t.Parallel()
	c, problems := Load("testdata/example")
	if c == nil {
		t.Fatalf("the example has errors:\n%s", lines(problems))
	}
	for _, p := range problems {
		if !strings.Contains(p.Message, "yet") {
			t.Errorf("got %s, want only warnings of what is not used yet", p)
		}
	}
	if got := lines(c.Advice(now)); got != "" {
		t.Errorf("advice = %s, want none", got)
	}
	if got := len(c.Tests); got != 1 {
		t.Fatalf("got %d tests, want 1", got)
	}
	want := Test{
		Name:   "a broken checkout on Saturday night reaches Matsu, then the list",
		Signal: TestSignal{Service: "checkout", Severity: oncall.Critical, At: time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC)},
		Given:  map[oncall.UserID]oncall.Outcome{"matsu": oncall.NoAnswer, "take": oncall.Busy},
		Expect: []Expectation{
			{Method: oncall.Call, User: "matsu", Within: 10 * time.Second},
			{Method: oncall.Call, User: "matsu", Again: true},
			{Method: oncall.Call, User: "take"},
			{Method: oncall.Call, User: "ume"},
		},
		File: "toban.yaml", Line: 79,
	}
	if diff := cmp.Diff(want, c.Tests[0]); diff != "" {
		t.Errorf("test (-want +got):\n%s", diff)
	}
}

func TestWhatInitWritesHasNoProblems(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ja", ""} {
		files := fstest.MapFS{}
		for name, body := range Example(lang) {
			files[name] = &fstest.MapFile{Data: body}
		}
		c, problems := LoadFS(files)
		if len(files) == 0 || len(problems) > 0 {
			t.Fatalf("%d files in %q have problems:\n%s", len(files), lang, lines(problems))
		}
		if got := lines(c.Advice(now)); got != "" {
			t.Errorf("advice in %q = %s, want none", lang, got)
		}
		for _, s := range c.Stages() {
			if !s.Simulated {
				t.Errorf("in %q the stage %s reaches real people", lang, s.Name)
			}
		}
	}
}

// At whatever time it breaks: nobody stands on two rungs of one round.
func TestARoundOfWhatInitWritesAsksNobodyTwice(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "ja"} {
		files := fstest.MapFS{}
		for name, body := range Example(lang) {
			files[name] = &fstest.MapFile{Data: body}
		}
		c, problems := LoadFS(files)
		if c == nil {
			t.Fatalf("in %q: %v", lang, problems)
		}
		dir, err := c.Directory()
		if err != nil {
			t.Fatal(err)
		}
		policy := dir.Policies["infra"]
		for hour := range 24 * 15 {
			at := time.Date(2026, 11, 20, 0, 30, 0, 0, time.UTC).Add(time.Duration(hour) * time.Hour)
			asked := map[oncall.UserID]bool{oncall.UserID(policy.Fallback.Name): true}
			for _, level := range policy.Levels {
				for _, target := range level.Targets {
					users := []oncall.UserID{oncall.UserID(target.Name)}
					if target.Kind == oncall.TargetSchedule {
						users, _ = dir.Schedules[oncall.ScheduleID(target.Name)].OnDuty(dir, at)
					}
					if len(users) != 1 || asked[users[0]] {
						t.Fatalf("in %q at %s: %s asks %v, want one who has not been asked", lang, at, target.Name, users)
					}
					asked[users[0]] = true
				}
			}
		}
	}
}

func TestAFolderIsReadByPathAndNamesMayBeSpread(t *testing.T) {
	t.Parallel()
	user := `users: { %s: { contacts: { phone: { call: "+819000000001" } } } }` + "\n"
	service := "services: { %s: { policy: p, match: { a: b } } }\n"
	c, problems := LoadFS(fstest.MapFS{
		"b/2.yml":           {Data: fmt.Appendf(nil, service, "second")},
		"b/1.yaml":          {Data: fmt.Appendf(nil, service, "first")},
		"z.yaml":            {Data: []byte("services: { rest: { policy: p, catch_all: true } }\ngateway: { routes: [ { path: /b, to: { integration: i } } ] }\n")},
		"a.yaml":            {Data: []byte("\ufeff" + fmt.Sprintf(user, "ann") + "gateway: { stages: { rehearsal: { providers: simulated } }, routes: [ { path: /a, to: { integration: i } } ] }\n")},
		"c.yaml":            {Data: []byte(fmt.Sprintf(user, "ben") + "gateway: { stages: { other: {} } }\nintegrations: { i: { dialect: generic } }\n")},
		"policies.yaml":     {Data: []byte("policies: { p: { levels: { targets: { user: ben } }, fallback: { user: ann } } }\r\n")},
		"empty.yaml":        {},
		"notes.txt":         {Data: []byte("users: [")},
		".hidden/x.yaml":    {Data: []byte("users: [")},
		"..data/x.yaml":     {Data: []byte("users: [")},
		"sub/.editor~.yaml": {Data: []byte("users: [")},
	})
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", lines(problems))
	}
	d, err := c.Directory()
	if err != nil {
		t.Fatal(err)
	}
	var services, routes []string
	for _, s := range d.Services {
		services = append(services, string(s.ID))
	}
	for _, r := range d.Routes {
		routes = append(routes, r.Path)
	}
	if diff := cmp.Diff([]string{"first", "second", "rest"}, services); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/a", "/b"}, routes); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	if len(d.Users) != 2 || len(d.Stages) != 4 || !d.Stages["staging"].Simulated || d.Stages["production"].Simulated || !d.Stages["rehearsal"].Simulated {
		t.Errorf("got users %v and stages %v", d.Users, d.Stages)
	}
}

func TestANameInTwoFilesIsToldWithBothPlaces(t *testing.T) {
	t.Parallel()
	_, problems := LoadFS(fstest.MapFS{
		"a.yaml": {Data: []byte("users:\n  ann: {}\ntoban: { zone: UTC }\n")},
		"b.yaml": {Data: []byte("toban:\n  zone: UTC\nusers: { ann: {} }\n")},
		"c.yaml": {Data: []byte("users: []\n")},
	})
	got := lines(problems)
	for _, want := range []string{
		"b.yaml:3:10: user \"ann\" is defined twice; first at a.yaml:2:3\n",
		"b.yaml:2:3: zone is there twice; first at a.yaml:3:10\n",
		"c.yaml:1:8: this is a list here, but a mapping at a.yaml:2:3\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("problems = %s, want %s", got, want)
		}
	}
}

func TestAFileThatCanNotBeReadHidesNoOtherProblem(t *testing.T) {
	t.Parallel()
	_, problems := LoadFS(fstest.MapFS{
		"a.yaml": {Data: []byte("users: { ann: {}, [\n")},
		"b.yaml": {Data: []byte("toban: { zon: UTC }\npolicies: { p: { levels: [ { targets: [ user: ann, user: ben ] } ], fallback: { user: ann } } }\n")},
	})
	got := lines(problems)
	if !strings.Contains(got, `b.yaml:1:10: unknown key "zon"; did you mean zone?`) {
		t.Errorf("problems = %s, want that of b.yaml", got)
	}
	if !strings.Contains(got, `there is no user named "ben"`) {
		t.Errorf("problems = %s, want that ben is in neither file", got)
	}
	if strings.Contains(got, `"ann"`) || strings.Contains(got, "no service") {
		t.Errorf("problems = %s, want none about what may be in the file that can't be read", got)
	}
}

func TestLoadNamesFilesWithTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "sub", "a.yaml")
	if err := os.WriteFile(file, []byte("nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, problems := Load(dir)
	if len(problems) == 0 || !strings.HasPrefix(problems[len(problems)-1].String(), file+":1:1: ") {
		t.Errorf("problems = %v, want one of %s:1:1", problems, file)
	}
	for _, missing := range []string{filepath.Join(dir, "none"), file} {
		if c, problems := Load(missing); c != nil || len(problems) != 1 || !strings.Contains(problems[0].String(), missing) {
			t.Errorf("Load(%s) = %v, %v", missing, c, problems)
		}
	}
	if _, problems := Load(t.TempDir()); len(problems) != 1 || !strings.Contains(problems[0].Message, "toban init") {
		t.Errorf("an empty folder has problems %v", problems)
	}
}

// A ConfigMap is a folder of links into a hidden folder.
func TestLinksAreFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "..data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "..data", "a.yaml"), []byte("nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..data", "a.yaml"), filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	_, problems := Load(dir)
	if got := lines(problems); strings.Count(got, "unknown key") != 1 {
		t.Errorf("problems = %s, want the unknown key once", got)
	}
}

func TestLimitsOfAFolder(t *testing.T) {
	t.Parallel()
	many := fstest.MapFS{}
	for i := range maxFiles + 1 {
		many[fmt.Sprintf("%04d.yaml", i)] = &fstest.MapFile{}
	}
	for _, tc := range []struct {
		name string
		fsys fs.FS
		want string
	}{
		{"files", many, "more than 1,000 files"},
		{"size", one("# " + strings.Repeat("x", maxFileSize)), "larger than 1 MiB"},
		{"flow depth", one("a: " + strings.Repeat("[", 1000)), "nested deeper than 32 levels"},
		{"a million brackets", one(strings.Repeat("[", maxFileSize)), "nested deeper than 32 levels"},
		{"dashes", one(strings.Repeat("- ", 1000)), "nested deeper than 32 levels"},
		{"block depth", one(block(40)), "nested deeper than 32 levels"},
		{"keys", one(strings.Repeat("a: 1\n", yamltoken.MaxKeys+1)), "more than 10000 keys"},
		{"text", one("users: { ann: { name: " + strings.Repeat("x", maxText+1) + " } }"), "more than 16 KiB"},
		{"problems", one(strings.Repeat("- [\n", 10)), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, problems := LoadFS(tc.fsys)
			if got := lines(problems); c != nil || !strings.Contains(got, tc.want) {
				t.Errorf("problems = %.300s, want %s", got, tc.want)
			}
		})
	}
	_, problems := LoadFS(one("users:\n" + unknown(5000)))
	if len(problems) > maxProblems {
		t.Errorf("got %d problems, want at most %d", len(problems), maxProblems)
	}
}

func block(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", i))
	}
	return b.String()
}

func unknown(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  u%d: { nonsense: 1 }\n", i)
	}
	return b.String()
}

func TestNothingMakesTheReaderPanic(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "\x00", ":", "- ", "?", "? a", "? a\n: b", "{", "}", "a: }", "!!binary x", "%YAML 1.2\n---\na: b", "--- |", "a: |2\n x", "a: >-\n",
		"*a", "&a", "<<: {}", "toban:", "users: {ann: }", "users: {: }", "users: {[a]: b}", "users: {{}: b}", "null", "~: ~", "1: 2", "a: 'x",
		"policies: {p: {levels: [[]]}}", "gateway: {stages: {production: }, routes: [[], null, ~]}", "tests: [null, [], {expect: [null, '']}]",
		"services: {s: {match: {a: [b]}, urgency: [], support_hours: [ '' ]}}", "schedules: {s: {layers: [null, {rotate: }, {rotate: []}]}}",
	} {
		LoadFS(one(body))
	}
}

func FuzzLoad(f *testing.F) {
	_ = filepath.WalkDir("testdata", func(name string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".yaml" {
			if raw, err := os.ReadFile(name); err == nil {
				f.Add(raw)
			}
		}
		return nil
	})
	for _, body := range Example("ja") {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		fsys := fstest.MapFS{"x.yaml": {Data: raw}}
		if c, _ := loadFrom(fsys, ""); c != nil {
			c.Advice(now)
		}
		c, problems := LoadFS(fsys)
		if (c == nil) != Failed(problems) {
			t.Fatalf("config is nil: %t, failed: %t", c == nil, Failed(problems))
		}
		for _, p := range problems {
			if p.Message == "" || p.Severity == "" || p.Line < 0 {
				t.Fatalf("a problem without content: %#v", p)
			}
		}
		if c == nil {
			return
		}
		c.Advice(now)
		if _, err := c.Directory(); err != nil {
			t.Fatalf("a folder without errors makes no directory: %v", err)
		}
	})
}
