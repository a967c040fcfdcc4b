package config

import (
	"strings"
	"testing"

	"toban/oncall"
)

// What the check would refuse each time is refused when it is written.
func TestAMonitorThatTheGuardWouldRefuseIsNotTaken(t *testing.T) {
	t.Parallel()
	const leave, never = "unless the monitor says private: true", "is never asked"
	for target, want := range map[string]struct{ plain, private string }{
		"8.8.8.8": {}, "192.0.2.1": {}, "shop.example.jp": {}, "vault.internal": {},
		"10.0.0.1": {leave, ""}, "100.64.0.1": {leave, ""}, "127.0.0.1": {leave, ""}, "localhost": {leave, ""}, "LOCALHOST": {leave, ""}, "db.localhost": {leave, ""},
		"'[fd00::1]'": {leave, ""}, "'[::ffff:10.0.0.1]'": {leave, ""},
		"169.254.169.254": {never, never}, "metadata.google.internal": {never, never}, "'[::ffff:169.254.169.254]'": {never, never}, "0.0.0.0": {never, never},
	} {
		for private, says := range map[string]string{"": want.plain, ", private: true": want.private} {
			_, problems := ReadMonitor("it", []byte("{ ping: "+target+private+" }"), &oncall.Directory{}, nil)
			if got := lines(problems); (says == "") != !Failed(problems) || !strings.Contains(got, says) {
				t.Errorf("%s%s: got %q, want %q", target, private, got, says)
			}
		}
	}
}
