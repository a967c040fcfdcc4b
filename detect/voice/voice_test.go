package voice_test

import (
	"strings"
	"testing"

	"toban/detect/voice"
	"toban/oncall"
	"toban/store"
)

// owed is what is owed, as "trigger A, resolve A".
func owed(v store.HeartbeatVoice) string {
	var words []string
	for _, s := range v.Owed {
		words = append(words, string(s.Action)+" "+s.Title)
	}
	return strings.Join(words, ", ")
}

func TestTheFirstThatIsOwedStaysAndTheSameAgainTakesThePlaceOfTheLast(t *testing.T) {
	t.Parallel()
	var v store.HeartbeatVoice
	for _, title := range []string{"A", "B", "C"} {
		voice.Owe(&v, oncall.Signal{Action: oncall.Trigger, Title: title})
	}
	if got, want := owed(v), "trigger A, trigger C"; got != want {
		t.Errorf("got %s, want %s: A is perhaps being said", got, want)
	}
}

func TestOfTooManyThatAreOwedTheFirstAndTheLastStay(t *testing.T) {
	t.Parallel()
	var v store.HeartbeatVoice
	for i := range 101 {
		s := oncall.Signal{Action: oncall.Trigger, Title: "A"}
		if i%2 == 1 {
			s = oncall.Signal{Action: oncall.Resolve, Title: "A"}
		}
		if i == 0 {
			s.Title = "first"
		}
		voice.Owe(&v, s)
	}
	if n := len(v.Owed); n > 20 {
		t.Errorf("got %d that are owed, want 20 at most", n)
	}
	for i, s := range v.Owed {
		want := oncall.Trigger
		if i%2 == 1 {
			want = oncall.Resolve
		}
		if s.Action != want {
			t.Errorf("%d: got %s, want %s: they take turns", i, s.Action, want)
		}
	}
	if v.Owed[0].Title != "first" || v.Owed[len(v.Owed)-1].Action != oncall.Trigger {
		t.Errorf("got %s, want the first and the last kept", owed(v))
	}
}
