package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"toban/oncall"

	"github.com/google/go-cmp/cmp"
)

var place = regexp.MustCompile(`\{[a-z_]*\}`)

func TestEveryTextExistsInEveryLanguageWithTheSamePlaces(t *testing.T) {
	t.Parallel()
	ja, en := catalogues()[Japanese], catalogues()[English]
	if diff := cmp.Diff(slices.Sorted(maps.Keys(ja)), slices.Sorted(maps.Keys(en))); diff != "" {
		t.Fatalf("keys differ (-ja +en):\n%s", diff)
	}
	for key, text := range ja {
		if text == "" || en[key] == "" {
			t.Errorf("%s: empty text", key)
		}
		got, want := place.FindAllString(en[key], -1), place.FindAllString(text, -1)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: places differ (-ja +en):\n%s", key, diff)
		}
	}
}

// constants reads the values of a string type's constants from package oncall,
// so that a new one can't be forgotten here; or of those without a type whose
// name begins so.
func constants(t *testing.T, typ string) []string {
	t.Helper()
	packages, err := parser.ParseDir(token.NewFileSet(), "../oncall", nil, 0) //nolint:staticcheck // no build tags there
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, file := range packages["oncall"].Files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			name, ok := spec.Type.(*ast.Ident)
			typed := ok && name.Name == typ
			if named := spec.Type == nil && strings.HasPrefix(spec.Names[0].Name, typ); !typed && !named {
				return true
			}
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok {
					value, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, value)
				}
			}
			return true
		})
	}
	if len(values) == 0 {
		t.Fatalf("no constants of %s", typ)
	}
	return values
}

func TestEveryWordOfTheCentreHasAText(t *testing.T) {
	t.Parallel()
	for typ, prefix := range map[string]string{
		"EntryKind": "entry.", "Severity": "severity.", "Urgency": "urgency.", "State": "state.",
		"Method": "method.", "Outcome": "outcome.", "InputKind": "input.", "TellWhy": "why.", "Why": "why.",
	} {
		for _, code := range constants(t, typ) {
			for _, language := range Languages() {
				if !In(language).Has(prefix + code) {
					t.Errorf("%s: no text %s%s", language, prefix, code)
				}
			}
		}
	}
}

func TestEverySentenceHasAllItsPlacesFilled(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 18, 2, 10, 0, time.UTC)
	until := at.Add(30 * time.Minute)
	full := oncall.EntryData{
		Title: "down", Severity: oncall.Critical, Urgency: oncall.High, Service: "checkout", Count: 3, Round: 1, Level: 2,
		User: "matsu", Users: []oncall.UserID{"matsu", "take"}, First: "matsu", Target: &oncall.Target{Kind: oncall.TargetUser, Name: "matsu"},
		Method: oncall.Call, Nth: 2, Outcome: oncall.Busy, Policy: "infra", Until: &until, Via: "call", Why: "taken", Text: "answered",
		Input: &oncall.Input{Kind: oncall.InDue},
	}
	pager := oncall.EntryData{Target: &oncall.Target{Kind: oncall.TargetPager, Name: "other"}, Method: oncall.Events, Text: "lost"}
	for _, kind := range constants(t, "EntryKind") {
		for _, language := range Languages() {
			for _, data := range []oncall.EntryData{full, pager, {Text: "answered"}} {
				for _, actor := range []string{"", "matsu"} {
					e := oncall.Entry{At: at, Kind: oncall.EntryKind(kind), Actor: actor, Data: data}
					got := EntrySentence(language, e, Names{})
					if got == "" || strings.ContainsAny(got, "{}") || strings.HasPrefix(got, "entry.") {
						t.Errorf("%s %s: got %q", language, kind, got)
					}
				}
			}
		}
	}
}

func TestSentencesReadLikeSpeech(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	names := Names{Zone: tokyo, Directory: &oncall.Directory{
		Users:    map[oncall.UserID]*oncall.User{"matsu": {Name: "松"}, "take": {Name: "竹"}},
		Services: []*oncall.Service{{ID: "checkout", Name: "決済"}},
	}}
	at := time.Date(2026, 11, 20, 18, 2, 10, 0, time.UTC)
	until := at.Add(30 * time.Minute)
	tomorrow := at.Add(24 * time.Hour)
	for _, tc := range []struct {
		entry  oncall.Entry
		ja, en string
	}{
		{oncall.Entry{Kind: oncall.EntryContact, Data: oncall.EntryData{User: "matsu", Method: oncall.Call, Nth: 1}}, "松さんに電話", "Phone call to 松"},
		{oncall.Entry{Kind: oncall.EntryContact, Data: oncall.EntryData{User: "matsu", Method: oncall.Call, Nth: 2}}, "松さんに電話（2回目）", "Phone call to 松 (2nd time)"},
		{oncall.Entry{Kind: oncall.EntryOutcome, Data: oncall.EntryData{User: "take", Method: oncall.Call, Outcome: oncall.Busy}}, "竹さん: 話し中", "竹: busy"},
		{oncall.Entry{Kind: oncall.EntryAcknowledged, Actor: "take", Data: oncall.EntryData{Via: "call", Until: &until}}, "竹さんが電話で対応を始めました（03:32:10まで）", "竹 has taken it by phone (until 03:32:10)"},
		{oncall.Entry{Kind: oncall.EntryWaiting, Data: oncall.EntryData{Until: &tomorrow}}, "11月22日 03:02まで呼び出しを待ちます", "Paging waits until 22 Nov 03:02"},
		{oncall.Entry{Kind: oncall.EntryResolved}, "復旧を確認し、解決しました", "Resolved: it has healed"},
		{oncall.Entry{Kind: oncall.EntryResolved, Actor: "matsu"}, "松さんが解決にしました", "松 resolved it"},
		{oncall.Entry{Kind: oncall.EntryShadow, Data: oncall.EntryData{User: "matsu", Method: oncall.Call}}, "試験運用: 本番なら松さんに電話するところです", "Shadow mode: live, this would be: phone call to 松"},
		{oncall.Entry{Kind: oncall.EntrySkipped, Data: oncall.EntryData{Level: 1, Target: &oncall.Target{Kind: oncall.TargetSchedule, Name: "infra"}, Why: "nobody_on_duty"}}, "第1段階の当番表 infraを飛ばしました（当番なし）", "Skipped schedule infra of level 1: nobody is on duty"},
		{oncall.Entry{Kind: oncall.EntrySkipped, Data: oncall.EntryData{Target: &oncall.Target{Kind: oncall.TargetUser, Name: "matsu"}, Contact: "phone", Why: "unverified"}}, "松さんの連絡手段「phone」は使えません（確認が済んでいない）", "松 can't be reached by “phone”: not verified"},
		{oncall.Entry{Kind: oncall.EntryUnreached, Data: oncall.EntryData{User: "take", Why: "busy"}}, "竹さんに連絡がつきません（話し中）", "竹 could not be reached: busy"},
		{oncall.Entry{Kind: oncall.EntryRedirected, Actor: "take", Data: oncall.EntryData{Users: []oncall.UserID{"matsu"}}}, "竹さんが松さんに引き継ぎました", "竹 handed it to 松"},
		{oncall.Entry{Kind: oncall.EntryLevel, Data: oncall.EntryData{Level: 2, Users: []oncall.UserID{"matsu", "take"}}}, "第2段階を始めます: 松さん、竹さん", "Now level 2: 松, 竹"},
	} {
		tc.entry.At = at
		if got := EntrySentence("ja", tc.entry, names); got != tc.ja {
			t.Errorf("got %q, want %q", got, tc.ja)
		}
		if got := EntrySentence("en", tc.entry, names); got != tc.en {
			t.Errorf("got %q, want %q", got, tc.en)
		}
	}
}

func TestWhatIsFilledInIsNotFilledAgain(t *testing.T) {
	t.Parallel()
	if got, want := fill("{a} and {b}", []string{"a", "{b}", "b", "x"}), "{b} and x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := In("xx").Say("no.such.key"), "no.such.key"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAVoiceGetsANameThatItCanSay(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		language, want string
		names          []string
	}{
		{"ja", "けっさい", []string{"けっさい", "決済", "checkout"}},
		{"en", "checkout", []string{"けっさい", "決済", "checkout"}},
		{"en", "Café 9", []string{"", "Café 9", "cafe"}},
		{"en", "決済", []string{"", "決済"}},
		{"en", "", nil},
	} {
		if got := Sayable(tc.language, tc.names...); got != tc.want {
			t.Errorf("%s %q: got %q, want %q", tc.language, tc.names, got, tc.want)
		}
	}
}
