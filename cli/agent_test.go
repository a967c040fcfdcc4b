package cli

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// list is what a core tells an agent: a monitor, one with a secret, and a
// reference.
const list = `{"location":"osaka","version":"1","monitors":[
	{"id":"location/osaka/1","kind":"ping","target":"192.0.2.1","every":5000000000,"timeout":3000000000,"module":"{\"prober\":\"icmp\"}"},
	{"id":"shop","kind":"http","target":"https://shop.example.jp","every":15000000000,"timeout":10000000000,"module":"{\"prober\":\"http\"}"},
	{"id":"cart","kind":"http","target":"https://shop.example.jp","every":15000000000,"timeout":10000000000,"secrets":["env:SHOP_KEY"],
	 "module":"{\"prober\":\"http\",\"http\":{\"bearer_token\":\"‹secret 0›\"}}"}]}`

func TestAnAgentSaysWhatItIsThereFor(t *testing.T) {
	t.Parallel()
	core := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/toban/agent/v1/poll":
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("Authorization") != "Bearer the-key-of-osaka":
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"code":"intake.unknown_key","detail":"this integration key is unknown or has been revoked"}`)
		default:
			_, _ = io.WriteString(w, list)
		}
	}))
	t.Cleanup(core.Close)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := file("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: core.Certificate().Raw})))
	key, wrong, empty := file("key", "the-key-of-osaka\n"), file("wrong", "another\n"), file("empty", "\n")
	server := core.URL + "/toban/"
	for name, tc := range map[string]struct {
		args string
		env  string
		code int
		want string
	}{
		"all can be asked":       {"--server " + server + " --ca " + ca + " --key-file " + key + " --secret env:SHOP_KEY --check", "SHOP_KEY=k", 0, "location osaka: 2 monitors, 1 references"},
		"a key in a variable":    {"--server " + server + " --ca " + ca + " --secret env:SHOP_KEY --check", "TOBAN_AGENT_KEY=the-key-of-osaka", 1, "the environment variable SHOP_KEY is not set"},
		"a secret is not given":  {"--server " + server + " --ca " + ca + " --key-file " + key + " --check", "SHOP_KEY=k", 1, "cart can't be asked from here: this agent may not read env:SHOP_KEY: start it with --secret env:SHOP_KEY"},
		"a key that is refused":  {"--server " + server + " --ca " + ca + " --key-file " + wrong + " --check", "", 1, "intake.unknown_key"},
		"nobody vouches for it":  {"--server " + server + " --key-file " + key + " --check", "", 1, "certificate"},
		"nothing is there":       {"--server " + core.URL + " --ca " + ca + " --key-file " + key + " --check", "", 1, "404"},
		"no key":                 {"--server " + server, "", 1, "there is none"},
		"an empty key":           {"--server " + server + " --key-file " + empty, "", 1, "is empty"},
		"no server":              {"--key-file " + key, "", 2, "--server"},
		"no address":             {"--server shop.example.jp --key-file " + key, "", 2, "no address"},
		"not encrypted":          {"--server http://toban.example.jp --key-file " + key, "", 2, "not encrypted"},
		"a secret written out":   {"--server " + server + " --key-file " + key + " --secret 12345", "", 2, "neither env:NAME nor file:/path"},
		"a path that is not one": {"--server " + server + " --key-file " + key + " --secret file:shop.key", "", 2, "neither env:NAME nor file:/path"},
		"its own key":            {"--server " + server + " --key-file " + key + " --secret file:" + key, "", 2, "for nobody else"},
		"a folder that is none":  {"--server " + server + " --key-file " + key + " --state " + key, "", 2, "is no folder"},
		"systemd's folder":       {"--server " + server + " --key-file " + key, "STATE_DIRECTORY=/nowhere/toban-agent", 2, `"/nowhere/toban-agent" is no folder`},
		"no local address":       {"--server " + server + " --key-file " + key + " --source osaka", "", 2, "--source"},
	} {
		var out, errs strings.Builder
		getenv := func(name string) string {
			if value, ok := strings.CutPrefix(tc.env, name+"="); ok {
				return value
			}
			return ""
		}
		code := Main(t.Context(), append([]string{"agent"}, strings.Fields(tc.args)...), strings.NewReader(""), &out, &errs, getenv, nil)
		said := out.String() + errs.String()
		if code != tc.code || !strings.Contains(said, tc.want) {
			t.Errorf("%s: got %d %q, want %d and %q", name, code, said, tc.code, tc.want)
		}
		for _, secret := range []string{"the-key-of-osaka", "another"} {
			if strings.Contains(said, secret) {
				t.Errorf("%s: the key is in %q", name, said)
			}
		}
	}
}
