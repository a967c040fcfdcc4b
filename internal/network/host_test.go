package network_test

import (
	"testing"

	"toban/internal/network"
)

func TestAMachineIsNamedByAddressOrAsLocalhost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:9183": true, "127.0.0.1": true, "127.0.0.1:80": true, "[::1]": true, "[::1]:80": true, "::1": true, "192.0.2.1:80": true,
		"": false, ":80": false, "example.jp": false, "localhost.example.jp:80": false, "127.0.0.1.example.jp": false, "localhost.": false, "2130706433": false,
	} {
		if got := network.IsOwnName(host); got != want {
			t.Errorf("%q: got %t, want %t", host, got, want)
		}
	}
}
