package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"toban/oncall"
)

func TestAnAgentThatStartsWhileTheCoreIsAwayAsksWhatItAskedBefore(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, keptName)
	inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
		osaka.folder = folder
		shop := monitor("shop", "osaka")
		shop.Secrets = []string{"env:SHOP_KEY"}
		c.apply([]*oncall.Monitor{shop, monitor("cart", "osaka")})
		c.start()
		osaka.start()
		time.Sleep(time.Minute)
		osaka.stop()
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("got %v %v, want a file for the agent alone", info, err)
		}
		if body, _ := os.ReadFile(path); !strings.Contains(string(body), "env:SHOP_KEY") || strings.Contains(string(body), "key-of-osaka") {
			t.Errorf("got %s, want references and no key", body)
		}
		asked := osaka.times("shop")
		handler := c.handler.Swap(nil) // the core is away
		osaka.start()
		time.Sleep(time.Minute)
		if got := osaka.times("shop") - asked; got < 3 {
			t.Errorf("asked %d times in a minute without the core, want what was asked before", got)
		}
		osaka.fail("shop", true)
		time.Sleep(20 * time.Second)
		c.handler.Store(handler)
		time.Sleep(30 * time.Second)
		c.want("shop", oncall.MonitorDown)
		osaka.stop()

		// A key that is not good any more.
		osaka.set(func(s *site) { s.key = "revoked" })
		asked = osaka.times("shop")
		osaka.start()
		time.Sleep(time.Minute)
		if got := osaka.times("shop") - asked; got != 0 {
			t.Errorf("asked %d times, and the core refuses the agent", got)
		}
	})
}

func TestAListThatIsOldOrOfAnotherCoreOrBrokenIsNotAsked(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string){
		"old": func(t *testing.T, path string) {
			at := time.Now().Add(-keptTime - time.Minute)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		},
		"of another core": func(t *testing.T, path string) { change(t, path, "http://core/sub", "http://core/other") },
		"broken":          func(t *testing.T, path string) { change(t, path, "{", "") },
		"not there": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			inBubble(t, func(t *testing.T, c *core, osaka, _, _ *site) {
				osaka.folder = folder
				c.apply([]*oncall.Monitor{monitor("shop", "osaka")})
				c.start()
				osaka.start()
				time.Sleep(2 * time.Hour) // it is noted that it holds
				osaka.stop()
				spoil(t, filepath.Join(folder, keptName))
				c.handler.Store(nil)
				asked := osaka.times("shop")
				osaka.start()
				time.Sleep(time.Minute)
				if got := osaka.times("shop") - asked; got != 0 {
					t.Errorf("asked %d times", got)
				}
			})
		})
	}
}

func change(t *testing.T, path, from, to string) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(body), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
