package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestAnOpenPortIsUpWithItsPhases(t *testing.T) {
	t.Parallel()
	s := DefaultTCP()
	r := ask(t, s.Checker(nearby()), neighbour(t, waitsForever))
	wantUp(t, r)
	if got := phases(r); got != "resolve connect" {
		t.Errorf("got phases %q, want resolve connect", got)
	}
	wantSample(t, r, "probe_failed_due_to_regex", 0)
	wantSample(t, r, "probe_ip_protocol", 4)
	wantSample(t, r, "probe_ip_addr_hash", 3668918509) // FNV-1a, as blackbox-exporter has it for 127.0.0.1
	wantNoSample(t, r, "probe_failed_due_to_bytes")

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if r := s.Checker(nearby()).Check(ctx, neighbour(t, waitsForever)); !r.Up || r.Evidence != nil {
		t.Errorf("got %+v, want up, and no evidence when nobody asks for it", r)
	}
}

func TestATargetThatCannotBeConnectedToSaysWhy(t *testing.T) {
	t.Parallel()
	c := DefaultTCP().Checker(nearby())
	r := ask(t, c, nobody(t))
	wantDown(t, r, ReasonRefused, "refused", "127.0.0.1:")
	wantSample(t, r, "probe_failed_due_to_regex", 0)
	wantDown(t, ask(t, c, "127.0.0.1"), ReasonTarget, "port")
	wantDown(t, ask(t, c, "::1:x"), ReasonTarget)
	wantDown(t, ask(t, DefaultTCP().Checker(Options{}), nobody(t)), ReasonForbidden, "private")
	wantDown(t, ask(t, c, "169.254.169.254:80"), ReasonForbidden, "metadata")
	six := DefaultTCP()
	six.IPProtocolFallback = false
	wantDown(t, ask(t, six.Checker(nearby()), nobody(t)), ReasonResolve, "ip6")
}

func TestSettingsThatCannotWorkSaySoAtEachCheck(t *testing.T) {
	t.Parallel()
	for _, s := range []TCPSettings{
		{IPProtocol: "ip5"},
		{SourceIPAddress: "eth0"},
		{StartTLS: "gopher"},
		{StartTLS: "smtp", TLS: true},
		{QueryResponse: []QueryResponse{{Expect: regexp.MustCompile("a"), ExpectBytes: "a"}}},
		{QueryResponse: []QueryResponse{{Labels: []Label{{"a", "b"}}}}},
		{QueryResponse: []QueryResponse{{Expect: regexp.MustCompile("a"), Labels: []Label{{"not a name", "b"}}}}},
		{QueryResponse: make([]QueryResponse, maxSteps+1)},
		{QueryResponse: []QueryResponse{{Send: strings.Repeat("a", maxBytes+1)}}},
	} {
		if s.Validate() == nil {
			t.Errorf("%+v: got no error, want one", s)
		}
		wantDown(t, ask(t, s.Checker(nearby()), nobody(t)), ReasonTarget, "module")
	}
}

// steps are settings with a conversation.
func steps(all ...QueryResponse) TCPSettings {
	s := DefaultTCP()
	s.QueryResponse = all
	return s
}

func TestAConversationExpectsSendsAndShowsGroups(t *testing.T) {
	t.Parallel()
	address := neighbour(t, func(c net.Conn) {
		fmt.Fprint(c, "220-hello\r\n220 mail.example ESMTP 4.2\r\n")
		in := bufio.NewReader(c)
		if line, _ := in.ReadString('\n'); line != "HELO mail.example\r\n" {
			fmt.Fprintf(c, "500 %q\r\n", line)
			return
		}
		fmt.Fprint(c, "250 fine")
	})
	r := ask(t, steps(
		QueryResponse{
			Expect: regexp.MustCompile(`^220 (\S+) ESMTP (.*)$`), Send: "HELO ${1}\r",
			Labels: []Label{{"version", "v${2}"}, {"host", "${1}"}},
		},
		QueryResponse{Expect: regexp.MustCompile("^250 ")}, // the last line has no end
	).Checker(nearby()), address)
	wantUp(t, r)
	wantSample(t, r, `probe_expect_info{host="mail.example",version="v4.2"}`, 1)
	wantSample(t, r, "probe_failed_due_to_regex", 0)
	if got := phases(r); got != "resolve connect processing" {
		t.Errorf("got phases %q, want resolve connect processing", got)
	}
	if !strings.Contains(r.Evidence.Body, "220-hello\n220 mail.example") {
		t.Errorf("got body %q, want what was heard", r.Evidence.Body)
	}
}

func TestWhatIsSentIsNotShown(t *testing.T) {
	t.Parallel()
	r := ask(t, steps(QueryResponse{Send: "AUTH hunter2"}, QueryResponse{Expect: regexp.MustCompile("OK")}).Checker(nearby()),
		neighbour(t, func(c net.Conn) { _, _ = bufio.NewReader(c).ReadString('\n'); fmt.Fprint(c, "-ERR\n") }))
	wantDown(t, r, ReasonAnswer, "-ERR")
	if all := fmt.Sprint(r.Message, r.Evidence); strings.Contains(all, "hunter2") {
		t.Errorf("got %s, want no password in it", all)
	}
}

func TestWhatIsExpectedAndDoesNotComeSaysWhatCame(t *testing.T) {
	t.Parallel()
	wanted := steps(QueryResponse{Expect: regexp.MustCompile("^SSH-2.0-")}).Checker(nearby())
	for _, tc := range []struct {
		name  string
		serve func(net.Conn)
		want  Reason
		words []string
		regex float64
	}{
		{"other lines, then the end", func(c net.Conn) { fmt.Fprint(c, "hello\nworld\n") }, ReasonAnswer, []string{"^SSH-2.0-", `"world"`}, 1},
		{"the end at once", func(net.Conn) {}, ReasonReset, []string{"without a word"}, 1},
		{"silence", waitsForever, ReasonTimeout, []string{"in time", "^SSH-2.0-"}, 0},
		{"other lines, then silence", func(c net.Conn) { fmt.Fprint(c, "hello\n"); waitsForever(c) }, ReasonAnswer, []string{`"hello"`}, 0},
		{"half a line, slowly", func(c net.Conn) { fmt.Fprint(c, "SSH-"); waitsForever(c) }, ReasonAnswer, []string{`"SSH-"`}, 0},
		{"a cut", func(c net.Conn) { resets(c) }, ReasonReset, nil, 0},
		{"lines without end", func(c net.Conn) {
			for _, err := fmt.Fprintln(c, strings.Repeat("x", 1000)); err == nil; {
				_, err = fmt.Fprintln(c, strings.Repeat("x", 1000))
			}
		}, ReasonAnswer, []string{"1024 KiB"}, 1},
		{"a line without end", func(c net.Conn) { _, _ = io.CopyN(c, endless{}, maxLine*2) }, ReasonProtocol, []string{"64 KiB"}, 0},
		{"bytes that are no text", func(c net.Conn) { _, _ = c.Write([]byte{0, 1, 0xff, 0x1b, '[', '2', 'J', '\n'}) }, ReasonAnswer, []string{"···[2J"}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := askWithin(t, time.Second, wanted, neighbour(t, tc.serve))
			wantDown(t, r, tc.want, tc.words...)
			wantSample(t, r, "probe_failed_due_to_regex", tc.regex)
			if len(r.Evidence.Body) > MaxBodySample {
				t.Errorf("got %d bytes of body, want at most %d", len(r.Evidence.Body), MaxBodySample)
			}
		})
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func TestBytesAreComparedAsTheyAre(t *testing.T) {
	t.Parallel()
	c := steps(QueryResponse{SendBytes: "\x01\x02", ExpectBytes: ""}, QueryResponse{ExpectBytes: "\x00\x10ok"}).Checker(nearby())
	answer := func(pieces ...string) func(net.Conn) {
		return func(c net.Conn) {
			got := make([]byte, 2)
			if _, err := io.ReadFull(c, got); err != nil || string(got) != "\x01\x02" {
				return
			}
			for _, p := range pieces {
				fmt.Fprint(c, p)
			}
		}
	}
	r := ask(t, c, neighbour(t, answer("\x00\x10", "ok")))
	wantUp(t, r)
	wantSample(t, r, "probe_failed_due_to_bytes", 0)
	r = ask(t, c, neighbour(t, answer("\x00\x10no")))
	wantDown(t, r, ReasonAnswer, `\x10ok`, `\x10no`)
	wantSample(t, r, "probe_failed_due_to_bytes", 1)
	wantDown(t, ask(t, c, neighbour(t, answer("\x00"))), ReasonReset, "1 of 4 bytes")
	wantDown(t, ask(t, c, neighbour(t, answer())), ReasonReset)
}

func TestTLSFromTheFirstByteShowsTheCertificate(t *testing.T) {
	t.Parallel()
	certificate, pool := vouched(t, 24*time.Hour, "mail.example")
	server := func(config *tls.Config) string {
		return neighbour(t, func(c net.Conn) {
			s := tls.Server(c, config)
			if s.Handshake() == nil {
				fmt.Fprint(s, "hello\n")
			}
			waitsForever(s)
		})
	}
	address := server(&tls.Config{Certificates: []tls.Certificate{certificate}})
	s := steps(QueryResponse{Expect: regexp.MustCompile("hello")})
	s.TLS, s.TLSConfig = true, &tls.Config{RootCAs: pool}
	r := ask(t, s.Checker(nearby()), address)
	wantUp(t, r)
	if r.Certificate == nil || len(r.Evidence.Chain) != 1 || !strings.Contains(r.Evidence.Chain[0], "Test Authority") {
		t.Errorf("got %+v and chain %q, want the certificate", r.Certificate, r.Evidence.Chain)
	}
	if got := phases(r); got != "resolve connect tls processing" {
		t.Errorf("got phases %q", got)
	}
	for _, name := range []string{"probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds"} {
		if _, ok := sampleOf(r, name); !ok {
			t.Errorf("got no %s, want it", name)
		}
	}
	wantSample(t, r, `probe_tls_version_info{version="TLS 1.3"}`, 1)
	wantNoSample(t, r, `probe_tls_cipher_info{cipher="TLS_AES_128_GCM_SHA256"}`)

	s.TLSConfig = &tls.Config{RootCAs: pool, ServerName: "other.example"}
	wantDown(t, ask(t, s.Checker(nearby()), address), ReasonName, "mail.example", "other.example")
	s.TLSConfig = nil
	r = ask(t, s.Checker(nearby()), address)
	wantDown(t, r, ReasonChain, "Test Authority")
	if len(r.Evidence.Chain) != 1 {
		t.Errorf("got chain %q, want the certificate that was refused", r.Evidence.Chain)
	}
	s.TLSConfig = &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS12}
	wantDown(t, ask(t, s.Checker(nearby()), server(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13})), ReasonTLS, "version")
	s.TLSConfig = &tls.Config{RootCAs: pool}
	expired, otherPool := vouched(t, -time.Hour, "mail.example")
	s.TLSConfig = &tls.Config{RootCAs: otherPool}
	wantDown(t, ask(t, s.Checker(nearby()), server(&tls.Config{Certificates: []tls.Certificate{expired}})), ReasonExpired, "over at")
	wantDown(t, ask(t, s.Checker(nearby()), neighbour(t, func(c net.Conn) { fmt.Fprint(c, "220 hello\r\n"); waitsForever(c) })), ReasonTLS, "not TLS")
	wantDown(t, askWithin(t, time.Second, s.Checker(nearby()), neighbour(t, waitsForever)), ReasonTimeout)
	wantDown(t, ask(t, s.Checker(nearby()), neighbour(t, func(net.Conn) {})), ReasonReset)
}

func TestStartTLSOfEachProtocol(t *testing.T) {
	t.Parallel()
	certificate, pool := vouched(t, 24*time.Hour, "mail.example")
	secure := func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
		if s.Handshake() == nil {
			fmt.Fprint(s, "secure\r\n")
		}
		waitsForever(s)
	}
	// Each server says its lines in turn, each but the first after a line that
	// begins with the words, and then begins TLS.
	lines := func(turns ...[2]string) func(net.Conn) {
		return func(c net.Conn) {
			in := bufio.NewReader(c)
			for _, turn := range turns {
				if turn[0] != "" {
					if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, turn[0]) || !strings.HasSuffix(line, "\r\n") {
						return
					}
				}
				fmt.Fprint(c, turn[1])
			}
			secure(c)
		}
	}
	for _, tc := range []struct {
		protocol string
		serve    func(net.Conn)
		refuse   func(net.Conn)
		said     string
	}{
		{
			"smtp",
			lines([2]string{"", "220-mail.example\r\n220 hello\r\n"}, [2]string{"EHLO ", "250-mail.example\r\n250-STARTTLS\r\n250 SIZE 1000\r\n"}, [2]string{"STARTTLS", "220 go ahead\r\n"}),
			lines([2]string{"", "220 hello\r\n"}, [2]string{"EHLO ", "250 mail.example\r\n"}, [2]string{"STARTTLS", "502 not here\r\n"}), "502 not here",
		},
		{
			"imap",
			lines([2]string{"", "* OK IMAP4rev1\r\n"}, [2]string{"a1 STARTTLS", "* note\r\na1 OK begin\r\n"}),
			lines([2]string{"", "* OK IMAP4rev1\r\n"}, [2]string{"a1 STARTTLS", "a1 BAD unknown\r\n"}), "a1 BAD unknown",
		},
		{
			"pop3",
			lines([2]string{"", "+OK hello\r\n"}, [2]string{"STLS", "+OK begin\r\n"}),
			lines([2]string{"", "+OK hello\r\n"}, [2]string{"STLS", "-ERR no\r\n"}), "-ERR no",
		},
		{
			"ftp",
			lines([2]string{"", "220-a\r\n220 hello\r\n"}, [2]string{"AUTH TLS", "234 begin\r\n"}),
			lines([2]string{"", "220 hello\r\n"}, [2]string{"AUTH TLS", "500 no\r\n"}), "500 no",
		},
		{
			"postgres",
			func(c net.Conn) {
				got := make([]byte, 9) // with room for one byte too many
				if n, err := c.Read(got); err != nil || string(got[:n]) != "\x00\x00\x00\x08\x04\xd2\x16\x2f" {
					return
				}
				fmt.Fprint(c, "S")
				secure(c)
			},
			func(c net.Conn) { fmt.Fprint(c, "N"); waitsForever(c) }, `"N"`,
		},
	} {
		t.Run(tc.protocol, func(t *testing.T) {
			t.Parallel()
			s := steps(QueryResponse{Expect: regexp.MustCompile("^secure$")})
			s.StartTLS, s.TLSConfig = tc.protocol, &tls.Config{RootCAs: pool, ServerName: "mail.example"}
			r := ask(t, s.Checker(nearby()), neighbour(t, tc.serve))
			wantUp(t, r)
			if r.Certificate == nil {
				t.Error("got no certificate, want the server's")
			}
			wantDown(t, ask(t, s.Checker(nearby()), neighbour(t, tc.refuse)), ReasonAnswer, tc.said)
		})
	}
}

func TestStartTLSByHandAsInAModuleFile(t *testing.T) {
	t.Parallel()
	certificate, pool := vouched(t, 24*time.Hour, "mail.example")
	s := steps(
		QueryResponse{Expect: regexp.MustCompile(`^220 ([^ ]+) ESMTP (.+)$`)},
		QueryResponse{Send: "EHLO prober\r"},
		QueryResponse{Expect: regexp.MustCompile(`^250-STARTTLS`)},
		QueryResponse{Send: "STARTTLS\r"},
		QueryResponse{Expect: regexp.MustCompile(`^220`)},
		QueryResponse{StartTLS: true},
		QueryResponse{Send: "EHLO prober\r"},
		QueryResponse{Expect: regexp.MustCompile(`^250-AUTH`)},
	)
	s.TLSConfig = &tls.Config{RootCAs: pool}
	r := ask(t, s.Checker(nearby()), neighbour(t, func(c net.Conn) {
		fmt.Fprint(c, "220 mail.example ESMTP x\r\n")
		in := bufio.NewReader(c)
		_, _ = in.ReadString('\n')
		fmt.Fprint(c, "250-STARTTLS\r\n250 SIZE\r\n")
		_, _ = in.ReadString('\n')
		fmt.Fprint(c, "220 go\r\n")
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
		_, _ = bufio.NewReader(s).ReadString('\n')
		fmt.Fprint(s, "250-AUTH PLAIN\r\n")
	}))
	wantUp(t, r)
	if got := phases(r); got != "resolve connect tls processing" {
		t.Errorf("got phases %q", got)
	}
}

func TestPostgresByHandAsInAModuleFile(t *testing.T) {
	t.Parallel()
	certificate, pool := vouched(t, 24*time.Hour, "db.example")
	s := steps(QueryResponse{Send: sslRequest}, QueryResponse{ExpectBytes: "S"}, QueryResponse{StartTLS: true})
	s.TLSConfig = &tls.Config{RootCAs: pool}
	wantUp(t, ask(t, s.Checker(nearby()), neighbour(t, func(c net.Conn) {
		got := make([]byte, 9)
		if n, err := c.Read(got); err != nil || n != 8 {
			return
		}
		fmt.Fprint(c, "S")
		waitsForever(tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	})))
}

func TestAStoppedCheckEndsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	address := neighbour(t, func(c net.Conn) { cancel(); waitsForever(c) })
	start := time.Now()
	r := steps(QueryResponse{Expect: regexp.MustCompile("x")}).Checker(nearby()).Check(ctx, address)
	if time.Since(start) > 2*time.Second {
		t.Errorf("got an answer after %s, want it at once", time.Since(start))
	}
	wantDown(t, r, ReasonTimeout, "stopped")
}

func FuzzConversation(f *testing.F) {
	f.Add([]byte("220 hello\r\n"))
	f.Add([]byte("\n\n\xff\x00"))
	expect := regexp.MustCompile("^2(.*)$")
	f.Fuzz(func(t *testing.T, said []byte) {
		ours, theirs := net.Pipe()
		done := make(chan bool)
		go func() {
			defer close(done)
			_, _ = theirs.Write(said)
			_ = theirs.Close()
		}()
		c := conversation{trial: begin(), conn: ours, steps: []QueryResponse{
			{Expect: expect, Labels: []Label{{"a", "${1}"}}}, {ExpectBytes: "ab"}, {Expect: expect},
		}}
		_ = c.run(t.Context(), nil)
		_ = ours.Close()
		<-done
		if e := c.evidence(); len(e.Body) > MaxBodySample {
			t.Errorf("got %d bytes, want at most %d", len(e.Body), MaxBodySample)
		}
	})
}

func BenchmarkTCP(b *testing.B) {
	address := neighbour(b, waitsForever)
	c := DefaultTCP().Checker(nearby())
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if r := c.Check(ctx, address); !r.Up {
			b.Fatal(r.Message)
		}
	}
}
