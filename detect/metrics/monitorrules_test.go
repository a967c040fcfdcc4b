package metrics

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/rules"
)

func TestAnExpressionThatCantBeARuleIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	list := []string{
		"up == 0", "up == == 1", "sum(\n  日本 ==\n", "up[5m]", `"text"`, "1", "rate(up)", "", "max_over_time(up[1h:1m]) == 0",
		"max_over_time(vector(1)[10000h:1s])", "sum(max_over_time(max_over_time(vector(1)[1h:1s])[300h:1s]))", strings.Repeat("(", 4000),
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := Main(t.Context(), []string{"check", "--expressions"}, bytes.NewReader(text), &out, &errs, os.Getenv); code != 1 {
		t.Errorf("got %d %s, want 1", code, errs.String())
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		"1:1:7: unexpected <op:==>", "2:2:", "3:1:1: a rule has to be an instant vector or a number, and this is a range vector", "4:1:1: a rule has to be",
		"6:1:6: expected type range vector", "7:1:1: no expression found",
		"9:1:15: a subquery takes 36000000 steps", "10:1:", "11:1:",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q, want a line for each of those that are wrong", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want it to begin with %q", got[i], want[i])
		}
	}
	for _, bad := range []string{"", "{", `["a", 1]`} {
		if code := Main(t.Context(), []string{"check", "--expressions"}, strings.NewReader(bad), &out, &errs, os.Getenv); code != 2 {
			t.Errorf("%q: got %d, want 2", bad, code)
		}
	}
}

// group is a rule file with a rule of that name.
func group(name, expr string) string {
	return fmt.Sprintf("groups: [ { name: %s, interval: 1s, rules: [ { alert: %s, expr: %q } ] } ]\n", name, name, expr)
}

func TestAMonitorThatCantBeEvaluatedTakesNoOtherOneAlong(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{
		"own/good.yml": group("good", "vector(1)"), "own/bad.yml": group("bad", "up == == 1"), "user.yml": group("user", "vector(1)"),
	})
	own, user := filepath.Join(dir, "own"), filepath.Join(dir, "user.yml")
	c := start(t, filepath.Join(dir, "data"), "--monitors", own, "--rules", user)
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	has := func(when string, names ...string) {
		t.Helper()
		eventually(t, 10*time.Second, func() bool {
			text := c.get("/prometheus/api/v1/rules")
			for _, name := range []string{"good", "bad", "user", "next", "later"} {
				want := false
				for _, each := range names {
					want = want || each == name
				}
				if strings.Contains(text, `"name":"`+name+`"`) != want {
					return false
				}
			}
			return true
		}, func() string { return when + ": got " + c.get("/prometheus/api/v1/rules") })
	}
	has("at the start", "good", "user")
	if !strings.Contains(c.said(), "a monitor is left out") || c.metric("toban_metrics_rule_problems") != 1 {
		t.Errorf("got %s, want that one is left out", c.said())
	}
	write(filepath.Join(own, "next.yml"), group("next", "vector(1)"))
	signalled(t, c, syscall.SIGHUP)
	has("after a reload", "good", "user", "next")
	// A mistake in the user's own file keeps what was in force there, and no monitor back.
	write(user, group("user", "up =="))
	write(filepath.Join(own, "later.yml"), group("later", "vector(1)"))
	if err := os.Remove(filepath.Join(own, "next.yml")); err != nil {
		t.Fatal(err)
	}
	if status, text, err := c.do(http.MethodPost, "/-/reload", nil); err != nil || status != http.StatusInternalServerError || !strings.Contains(text, "user.yml:1:") {
		t.Errorf("reload: got %d %s (%v), want 500 with the place", status, text, err)
	}
	has("with a mistake in the user's own file", "good", "user", "later")
	write(filepath.Join(own, "bad.yml"), group("bad", "vector(1)"))
	signalled(t, c, syscall.SIGHUP)
	has("mended", "good", "user", "later", "bad")
}

func TestWhatARuleSaidThatIsLeftOutIsNotOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		b := newBox(t, dir, r)
		b.take(t.Context(), "up", fire("Left"), fire("Gone"))
		r.want(t, "Left firing", "Gone firing")
		b.leave(map[string]bool{"Left": true})
		b.settle(time.Now(), time.Now(), nil, true)
		r.want(t, "Left firing", "Gone firing", "Gone resolved")
	})
}

func TestAlertsThatFindNoPlaceAreAnAlertThemselves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{}
		b := newBox(t, dir, r)
		all := make([]*rules.Alert, maxAlerts)
		for i := range all {
			all[i] = fire("Down", "instance", fmt.Sprint(i))
		}
		b.take(t.Context(), "up", all...)
		synctest.Wait()
		if got := strings.Join(r.taken(), " "); strings.Contains(got, overflowName) {
			t.Error("told that alerts were dropped when none was")
		}
		r.forget()
		for range 3 {
			b.take(t.Context(), "up", fire("Down", "instance", "one more"), fire("Down", "instance", "and another"))
		}
		r.want(t, overflowName+" firing")
		if a := r.got[0]; a.Labels["severity"] != "critical" || !strings.Contains(a.Annotations["summary"], "10000 alerts") {
			t.Errorf("got %+v", a)
		}
		time.Sleep(3 * time.Minute)
		b.settle(time.Now(), time.Time{}, []*rules.AlertingRule{rule("Down", rules.HealthBad)}, true)
		synctest.Wait()
		if got := strings.Join(r.taken(), " "); !strings.HasSuffix(got, overflowName+" firing") && !strings.Contains(got, overflowName+" firing Down") {
			t.Errorf("want it told again while it is so")
		}
		r.forget()
		time.Sleep(3 * time.Minute)
		b.settle(time.Now(), time.Time{}, []*rules.AlertingRule{rule("Down", rules.HealthBad)}, true)
		synctest.Wait()
		if got := strings.Join(r.taken(), " "); !strings.Contains(got, overflowName+" resolved") {
			t.Error("want it over when all found a place for a while")
		}
	})
}

// counted is how many starts are taken for dead.
func counted(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "starts"))
	if err != nil {
		return ""
	}
	return string(text)
}

func TestOnlyAStartThatDiedIsHeldAgainstTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large(t, dir, 3000, 240)
	// One that was asked to end during the replay is no death …
	c := begin(t, dir)
	eventually(t, 10*time.Second, func() bool {
		select {
		case <-c.ready:
			return true
		default:
			return counted(t, dir) == "1"
		}
	}, c.said)
	signalled(t, c, syscall.SIGTERM)
	if code := c.ended(20 * time.Second); code != 0 || counted(t, dir) != "" {
		t.Errorf("got code %d and %q starts counted after an end that was asked for, want none", code, counted(t, dir))
	}
	// … and neither is one that says why it can't.
	if err := os.WriteFile(filepath.Join(dir, "starts"), []byte("4"), 0o600); err != nil {
		t.Fatal(err)
	}
	wal := filepath.Join(dir, "wal")
	if err := os.Rename(wal, wal+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/fdinfo/nowhere/at/all", wal); err != nil {
		t.Fatal(err)
	}
	c = begin(t, dir)
	c.ended(20 * time.Second)
	if got := counted(t, dir); got != "4" {
		t.Errorf("got %q starts counted after one that said why it can't, want 4: %s", got, c.said())
	}
}
