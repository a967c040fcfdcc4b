package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// wire is one connection of a sender: requests that are put together already go
// out, and of the answer the status is read. It does as little as HTTP/1.1
// allows, because every microsecond of it is taken from the toban that is
// measured on the same processors.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	stop func() bool
}

// answerWithin bounds one request. What takes longer than this has failed.
const answerWithin = 30 * time.Second

var errAnswer = errors.New("the answer is not the HTTP that was expected")

// dialWire connects to a listener on loopback. The connection ends with ctx.
func dialWire(ctx context.Context, address string) (*wire, error) {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // wakes who reads
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 4096), stop: stop}, nil
}

func (w *wire) close() {
	w.stop()
	_ = w.conn.Close() // nothing is under way
}

// do sends a request and returns the status of its answer.
func (w *wire) do(request []byte) (status int, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return 0, err
	}
	if _, err := w.conn.Write(request); err != nil {
		return 0, err
	}
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("%w: it begins with %.20q", errAnswer, line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("%w: it begins with %.20q", errAnswer, line)
	}
	length := 0
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || length < 0 {
				return 0, fmt.Errorf("%w: %.40q", errAnswer, line)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return 0, fmt.Errorf("%w: %.40q", errAnswer, line)
		}
	}
	if length > 0 {
		if _, err := io.CopyN(io.Discard, w.in, int64(length)); err != nil {
			return 0, err
		}
	}
	return status, nil
}
