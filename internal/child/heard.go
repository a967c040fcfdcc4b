package child

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

const (
	// maxLine is how much of a line is looked at, in bytes.
	maxLine = 8 << 10
	// maxWhy bounds what a death is explained by.
	maxWhy = 300
	// A child that dies may write each of its stacks; of more lines than these
	// only the number is logged.
	linesPerSecond = 100
	linesAtOnce    = 500
)

// heard takes what a child writes: its standard output to who follows its start,
// its standard error to the log.
type heard struct {
	log  *slog.Logger
	said func(line string)

	mu      sync.Mutex
	bucket  *rate.Limiter
	leftOut int
	last    string // on standard error, of what is not everyday
	fatal   string // what a program of Go says when it ends against its will
}

func (h *heard) out(line string) {
	h.said(line)
	h.log.Debug("the child process says", "line", line)
}

func (h *heard) err(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fatal == "" && (strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: ")) {
		h.fatal = line
	}
	of, known := level(line)
	if strings.TrimSpace(line) != "" && (!known || of >= slog.LevelWarn) {
		h.last = line
	}
	if strings.Contains(h.fatal, "memory") && line != h.fatal {
		of = slog.LevelDebug // its stacks say nothing about who has taken the memory
	}
	if !h.log.Enabled(context.Background(), of) {
		return
	}
	if h.bucket == nil {
		h.bucket = rate.NewLimiter(linesPerSecond, linesAtOnce)
	}
	if !h.bucket.Allow() {
		h.leftOut++
		return
	}
	h.tellLeftOut()
	h.log.Log(context.Background(), of, "the child process logs", "line", line)
}

// end says what was left out at last.
func (h *heard) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tellLeftOut()
}

func (h *heard) tellLeftOut() {
	if h.leftOut > 0 {
		h.log.Warn("the child process logs more than is passed on", "lines", h.leftOut)
		h.leftOut = 0
	}
}

// why is what the child said last about its end.
func (h *heard) why() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := h.last
	if h.fatal != "" {
		text = h.fatal
	}
	if len(text) > maxWhy {
		text = strings.ToValidUTF8(text[:maxWhy], "") + "…"
	}
	return text
}

// level reads the level of a line that slog has written; others are for
// information.
func level(line string) (l slog.Level, known bool) {
	_, rest, ok := strings.Cut(line, "level=")
	if !ok {
		return slog.LevelInfo, false
	}
	word, _, _ := strings.Cut(rest, " ")
	if err := l.UnmarshalText([]byte(word)); err != nil {
		return slog.LevelInfo, false
	}
	return l, true
}

// lines is a writer that hands on whole lines, each cut to maxLine.
type lines struct {
	each func(line string)
	part []byte
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		line, rest, ended := bytes.Cut(p, []byte{'\n'})
		if room := maxLine - len(l.part); room > 0 {
			l.part = append(l.part, line[:min(len(line), room)]...)
		}
		if !ended {
			return n, nil
		}
		l.each(strings.ToValidUTF8(strings.TrimSuffix(string(l.part), "\r"), "\uFFFD"))
		l.part, p = l.part[:0], rest
	}
}
