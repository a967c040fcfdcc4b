package slack_test

import (
	"testing"

	"toban/sim/slack"
)

func TestSignaturesAreTheVendors(t *testing.T) {
	t.Parallel()
	got := slack.Sign("8f742231b10e8888abcd99yyyzzz85a5", "1795155600", []byte("payload=%7B%22type%22%3A%22block_actions%22%7D"))
	if want := "v0=66c2c49b332e903157f3efdcce709735e15828a05b21c1364d61ebee9869a158"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
