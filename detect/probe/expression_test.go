package probe

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toban/internal/expression"
)

func TestAnExpressionThatTakesTooLongIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		strings.Repeat(".{0,900}", 8) + "z":       "takes too long",
		"(a{1,30}){1,30}(b{1,30}){1,30}c":         "takes too long",
		strings.Repeat("a", expression.MaxText+1): "more than 4096 bytes",
		"(": "no regular expression: missing closing )",
	} {
		if _, err := Expression(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %q", text, err, want)
		}
		for _, module := range []string{
			"http: { fail_if_body_matches_regexp: [ 'X' ] }", "http: { fail_if_header_matches: [ { header: A, regexp: 'X' } ] }",
			"tcp: { query_response: [ { expect: 'X' } ] }", "dns: { query_name: example.jp, validate_answer_rrs: { fail_if_matches_regexp: [ 'X' ] } }",
		} {
			prober, _, _ := strings.Cut(module, ":")
			raw := "prober: " + prober + "\n" + strings.Replace(module, "X", text, 1)
			if m, problems := (Source{}).LoadModule("m", []byte(raw)); m != nil || len(problems) == 0 || !strings.Contains(problems[0].Message, want) || problems[0].Line != 2 {
				t.Errorf("%.60s: got %.300v, want %q at its line", raw, problems, want)
			}
		}
	}
	for _, text := range []string{`ok`, `"status":\s*"(up|ok)"`, `(?i)^\s*<!doctype html>`, `\d{4}-\d{2}-\d{2}T\d{2}:\d{2}`, `.{0,900}z`, `[^<]{1,200}</title>`, `^220 .* ESMTP`} {
		if _, err := Expression(text); err != nil {
			t.Errorf("%s: got %v, want it taken", text, err)
		}
	}
}

func TestWhatAnExpressionLooksAtIsBoundedAndEndsInTime(t *testing.T) {
	t.Parallel()
	e, err := Expression(`.{0,900}z`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := matches(t.Context(), e, bytes.Repeat([]byte("a"), 2<<20)); err == nil || !strings.Contains(err.Error(), "too many for .{0,900}z") {
		t.Errorf("got %v, want that it is too much", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := matches(ctx, e, bytes.Repeat([]byte("a"), 500<<10)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want it given up", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %s after its time was over", took)
	}
	long := append(bytes.Repeat([]byte("a"), 30<<10), 'z')
	if ok, err := matches(t.Context(), e, long); !ok || err != nil {
		t.Errorf("got %t (%v), want what stands at the end found", ok, err)
	}
	if got, err := submatches(t.Context(), e, long); err != nil || len(got) != 2 || got[1] != len(long) {
		t.Errorf("got %v (%v), want where it stands", got, err)
	}
}

func TestABodyThatIsTooLongForItsExpressionSaysSo(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("a"), 2<<20))
	}))
	defer s.Close()
	r := ask(t, asking(t, "fail_if_body_not_matches_regexp: ['.{0,900}z']"), s.URL)
	wantDown(t, r, ReasonBody, "could not be judged: there are more than")
}

func TestAModuleThatAsksForATunnelIsRefused(t *testing.T) {
	t.Parallel()
	m, problems := (Source{}).LoadModule("m", []byte("prober: http\nhttp: { method: connect }"))
	if m != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "CONNECT asks a proxy") || problems[0].Line != 2 {
		t.Errorf("got %v, want it refused at its line", problems)
	}
}
