package live

import (
	"net/http"
	"strconv"
	"time"
)

// stream writes messages to a client, each with its own deadline.
type stream struct {
	w  http.ResponseWriter
	to *http.ResponseController
}

// begin sends the head. A server has deadlines for the whole of a request and
// its answer; a stream has one for each message.
func (s stream) begin() {
	_ = s.to.SetReadDeadline(time.Time{}) // what can't set one, such as a test's recorder, has none
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it back
	s.w.WriteHeader(http.StatusOK)
}

// beat says that the stream lives, how late it is, and up to where the client
// has seen everything.
func (s stream) beat(at int64) bool {
	return s.write(": keep-alive\n" + string(frame(at, "beat", millis(time.Now()))))
}

func (s stream) write(text string) bool { return s.send([]byte(text)) }

func (s stream) send(body []byte) bool {
	_ = s.to.SetWriteDeadline(time.Now().Add(writing))
	if _, err := s.w.Write(body); err != nil {
		return false
	}
	return s.to.Flush() == nil
}

// reloading tells a page to ask for itself anew.
func reloading(at int64) []byte { return frame(at, "reload", "changed") }

// millis is a moment as scripts have it.
func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
