package web

import "testing"

// The form asks for leave where the configuration and the check do, with no list
// of its own.
func TestTheFormAsksForLeaveWhereTheGuardDoes(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{
		"https://shop.example.jp/": false, "8.8.8.8:53": false, "https://[2606:4700::1111]/": false,
		"http://localhost:3000": true, "http://shop.localhost/": true, "100.64.0.1:22": true, "http://[::ffff:10.0.0.1]/": true, "192.168.1.1": true, "http://169.254.169.254/": true,
	} {
		if got := isPrivate(target); got != want {
			t.Errorf("%s: got %t, want %t", target, got, want)
		}
	}
}
