package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strconv"
	"time"
)

// conversation talks with a target over a connection, step by step.
type conversation struct {
	*trial
	conn  net.Conn
	steps []QueryResponse

	in        *bufio.Reader
	heard     int    // bytes read in all
	last      []byte // the last line or bytes that came
	body      []byte // the beginning of what came, for the evidence
	badLine   bool   // the target closed, and no line had matched
	badBytes  bool   // other bytes came than were expected
	info      *Sample
	chain     []*x509.Certificate
	encrypted []Sample
}

// run takes the steps. Each waits for what it expects, then sends, then begins TLS.
func (c *conversation) run(ctx context.Context, config *tls.Config) error {
	c.in = bufio.NewReaderSize(c.conn, 4<<10)
	for i := range c.steps {
		step := &c.steps[i]
		send := []byte(step.Send)
		if step.Expect != nil {
			match, err := c.expect(ctx, step)
			if err != nil {
				return err
			}
			send = step.Expect.Expand(nil, send, c.last, match)
			c.label(step, match)
		}
		if step.ExpectBytes != "" {
			if err := c.expectBytes(step.ExpectBytes); err != nil {
				return err
			}
		}
		// A PostgreSQL server takes one byte more than its request for an attack.
		// Module files ask for it by send, having nothing else.
		if len(send) > 0 && string(send) != sslRequest {
			send = append(send, '\n')
		}
		if send = append(send, step.SendBytes...); len(send) > 0 {
			if _, err := c.conn.Write(send); err != nil {
				return err
			}
			c.try("step ", strconv.Itoa(i+1), ": sent ", strconv.Itoa(len(send)), " bytes") // which may be a password
		}
		if step.StartTLS {
			if err := c.secure(ctx, config); err != nil {
				return err
			}
			c.in = bufio.NewReaderSize(c.conn, 4<<10) // what came in clear before TLS is not listened to
		}
	}
	return nil
}

// expect reads lines until one matches, which is then c.last.
func (c *conversation) expect(ctx context.Context, step *QueryResponse) (match []int, err error) {
	lines := 0
	for {
		line, err := c.line()
		if len(line) > 0 || err == nil {
			lines++
			c.last = line
			c.keep(line, "\n")
			match, slow := submatches(ctx, step.Expect, line)
			if slow != nil {
				return nil, &fault{slowReason(ctx, ReasonAnswer), "the line " + unjudged(slow)}
			}
			if match != nil {
				c.try("a line matched ", step.Expect.String())
				return match, nil
			}
			if step.refuse != nil && step.refuse.Match(line) {
				c.badLine = true
				return nil, &fault{ReasonAnswer, "the target refused: " + safeText(line, 200)}
			}
		}
		if err == nil {
			continue
		}
		wanted := "a line matching " + step.Expect.String()
		switch {
		case errors.Is(err, io.EOF):
			c.badLine = true
			if lines == 0 && c.heard == 0 {
				return nil, &fault{ReasonReset, "the target closed the connection without a word; wanted " + wanted}
			}
			return nil, &fault{ReasonAnswer, "the target closed the connection before " + wanted + c.lastly()}
		case errors.Is(err, errTooMuch):
			c.badLine = true
			return nil, &fault{ReasonAnswer, "the target sent " + strconv.Itoa(maxHeard>>10) + " KiB without " + wanted}
		case errors.Is(err, bufio.ErrTooLong):
			return nil, &fault{ReasonProtocol, "the target sent a line of more than " + strconv.Itoa(maxLine>>10) + " KiB"}
		}
		reason, message := reasonOf(err)
		if reason == ReasonTimeout && lines > 0 {
			reason = ReasonAnswer
		}
		return nil, &fault{reason, message + "; wanted " + wanted + c.lastly()}
	}
}

// lastly is the last line as the end of a sentence.
func (c *conversation) lastly() string {
	if len(c.last) == 0 {
		return ""
	}
	return ", the last line was " + strconv.Quote(safeText(c.last, 200))
}

// line reads up to the next line end, without it. At the end of the input it
// may return both a line and an error.
func (c *conversation) line() ([]byte, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		if c.heard += len(part); c.heard > maxHeard {
			return nil, errTooMuch
		}
		if line = append(line, part...); len(line) > maxLine {
			return nil, bufio.ErrTooLong
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		return line, err
	}
}

// expectBytes reads as many bytes as are wanted and compares.
func (c *conversation) expectBytes(want string) error {
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.in, got)
	c.heard += n
	c.last = got[:n]
	c.keep(got[:n], "")
	if err == nil && string(got) == want {
		c.try(strconv.Itoa(n), " bytes came as expected")
		return nil
	}
	if err == nil || n > 0 && !bytes.HasPrefix([]byte(want), got[:n]) {
		c.badBytes = true
		return &fault{ReasonAnswer, "other bytes came than " + quoted([]byte(want)) + ": " + quoted(got[:n])}
	}
	if n == 0 && errors.Is(err, io.EOF) {
		return &fault{ReasonReset, "the target closed the connection; wanted the bytes " + quoted([]byte(want))}
	}
	reason, message := reasonOf(err)
	return &fault{reason, message + "; " + strconv.Itoa(n) + " of " + strconv.Itoa(len(want)) + " bytes came"}
}

func quoted(b []byte) string {
	const enough = 64
	if len(b) > enough {
		return strconv.QuoteToASCII(string(b[:enough])) + "…"
	}
	return strconv.QuoteToASCII(string(b))
}

// label makes probe_expect_info of the groups that matched.
func (c *conversation) label(step *QueryResponse, match []int) {
	if len(step.Labels) == 0 {
		return
	}
	s := &Sample{Name: "probe_expect_info", Help: "Explicit content matched", Value: 1}
	for _, l := range step.Labels {
		value := step.Expect.Expand(nil, []byte(l.Value), c.last, match)
		s.Labels = append(s.Labels, Label{l.Name, safeText(value, MaxValue)})
	}
	sortLabels(s.Labels)
	c.info = s
}

// keep adds what came to the evidence, as far as there is room.
func (c *conversation) keep(came []byte, end string) {
	if room := MaxBodySample - len(c.body); room > 0 {
		c.body = append(append(c.body, came[:min(len(came), room)]...), end...)
	}
}

// secure makes a TLS connection of the one there is.
func (c *conversation) secure(ctx context.Context, config *tls.Config) error {
	start := time.Now()
	conn := tls.Client(c.conn, config)
	err := conn.HandshakeContext(ctx)
	took := time.Since(start)
	c.phase("tls", took)
	if err != nil {
		c.chain = unverified(err)
		c.try("TLS failed after ", brief(took))
		return refusedTLS(err)
	}
	c.conn = conn
	state := conn.ConnectionState()
	c.chain = state.PeerCertificates
	c.result.Certificate, c.encrypted = certificateOf(state)
	c.encrypted = certificateSamples(c.encrypted, "probe_tls_cipher_info")
	c.try(tls.VersionName(state.Version), " agreed in ", brief(took))
	return nil
}

// samples are those of blackbox-exporter's tcp module.
func (c *conversation) samples(t *trial) {
	t.sample(flag("probe_failed_due_to_regex", "Indicates if probe failed due to regex", c.badLine))
	for _, step := range c.steps {
		if step.ExpectBytes != "" { // the sample came later than the others, with this key
			t.sample(flag("probe_failed_due_to_bytes", "Indicates if probe failed due to bytes", c.badBytes))
			break
		}
	}
	if c.info != nil {
		t.sample(*c.info)
	}
	t.sample(c.encrypted...)
}

func (c *conversation) evidence() *Evidence {
	return &Evidence{Body: safeText(c.body, MaxBodySample), BodySize: int64(c.heard), Chain: chainLines(c.chain)}
}
