package browser_test

import (
	"net"
	"path/filepath"
	"testing"
)

// listens returns nil when nothing listens on a port.
func listens(port int) error {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return err
	}
	return l.Close()
}

func TestWhatInitWritesIsAFriendlyBeginning(t *testing.T) {
	t.Parallel()
	port := free(t)
	base := "http://" + address(port)
	folder := filepath.Join(t.TempDir(), "shop")
	if code := run(t, nil, "init", folder).ended(); code != 0 {
		t.Fatalf("toban init ended with %d", code)
	}
	p := run(t, []string{"TOBAN_KEY=" + installationKey}, "serve", "--config", folder, "--data", t.TempDir(), "--listen", address(port), "--until-stdin-closes")
	path := p.find(linkIn, "the set-up link", patience)

	first := open(t, base, phone())
	first.speak("en")
	first.visit(path)
	first.ready()
	first.sound()
	first.shoot("setup-empty.en.light.390")
	first.fill(`input[name="account"]`, "ops")
	first.fill(`input[name="password"]`, password)
	first.fill(`input[name="again"]`, "something else")
	first.expect("400")
	first.click(`main form button[type="submit"]`)
	first.until(`document.querySelector('input[name="again"][aria-invalid="true"]')`)
	if got := eval[string](first, `document.querySelector('input[name="account"]').value`); got != "ops" {
		t.Errorf("the name that was typed is %q, want ops", got)
	}
	first.shoot("setup-wrong.en.light.390")
	first.fill(`input[name="password"]`, password)
	first.fill(`input[name="again"]`, password)
	first.click(`main form button[type="submit"]`)
	first.until(`location.pathname === "/welcome"`)
	session := first.session()
	first.end()

	for _, screen := range []size{phone(), desktop()} {
		for _, lang := range []string{"ja", "en"} {
			b := open(t, base, screen)
			b.cookie("toban", session)
			b.speak(lang)
			for _, l := range []look{
				{"empty-incidents", "/"},
				{"empty-mine", "/?show=mine"},
				{"empty-oncall", "/oncall"},
				{"empty-policies", "/policies"},
				{"empty-schedules", "/schedules"},
				{"empty-services", "/services"},
				{"empty-welcome", "/welcome"},
				{"empty-me", "/me"},
			} {
				b.look(l)
			}
			b.end()
		}
	}
}
