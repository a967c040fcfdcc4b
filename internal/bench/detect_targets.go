package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// targets are web servers that write down when they were asked. Each has an
// address of its own in 127.0.0.0/8, so that nothing that is kept for one of
// them serves another, and all share a port. They live in the bench's process,
// whose processor time is nobody's figure.
type targets struct {
	port     int
	listener net.Listener
	all      []target
	ended    sync.WaitGroup

	mu    sync.Mutex
	open  map[net.Conn]bool // nil = closed
	wrong atomic.Int64      // requests that were none
}

// target is one of them.
type target struct {
	down atomic.Bool

	mu    sync.Mutex
	asked []ask // in order
}

// ask is one request.
type ask struct {
	at   time.Time // when it had come
	down bool      // what it was answered
}

const (
	upAnswer   = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 45\r\n"
	downAnswer = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 45\r\n"
	answerBody = "\r\n<!doctype html><title>Shop</title><p>Hello.</p>"
)

// newTargets begins to answer as n web servers.
func newTargets(ctx context.Context, n int) (*targets, error) {
	if n > 1<<16 {
		return nil, fmt.Errorf("there are addresses for %d targets, not for %d", 1<<16, n)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	t := &targets{port: listener.Addr().(*net.TCPAddr).Port, listener: listener, all: make([]target, n), open: map[net.Conn]bool{}}
	t.ended.Go(t.accept)
	return t, nil
}

// host is the address of a target.
func (t *targets) host(i int) string { return fmt.Sprintf("127.1.%d.%d:%d", i>>8, i&255, t.port) }

// url is what a target is asked by.
func (t *targets) url(i int) string { return "http://" + t.host(i) + "/" }

func (t *targets) accept() {
	for {
		c, err := t.listener.Accept()
		if err != nil {
			return // it is closed
		}
		local, ok := c.LocalAddr().(*net.TCPAddr)
		ip := local.IP.To4()
		i := 0
		if ok && len(ip) == net.IPv4len {
			i = int(ip[2])<<8 | int(ip[3])
		}
		if !ok || !ip.IsLoopback() || i >= len(t.all) || !t.keep(c) { // nobody but this machine
			_ = c.Close()
			continue
		}
		t.ended.Go(func() { // ends with the connection
			defer t.drop(c)
			t.serve(c, &t.all[i])
		})
	}
}

func (t *targets) keep(c net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open != nil {
		t.open[c] = true
	}
	return t.open != nil
}

func (t *targets) drop(c net.Conn) {
	_ = c.Close() // there is nobody to tell
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, c)
}

// serve answers on one connection with as little work as possible.
func (t *targets) serve(c net.Conn, of *target) {
	in := bufio.NewReaderSize(c, 1<<10)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return // it is not used any more
		}
		a := ask{at: time.Now(), down: of.down.Load()}
		if !bytes.HasPrefix(line, []byte("GET / ")) {
			t.wrong.Add(1)
			return
		}
		last := false
		for len(bytes.TrimSpace(line)) > 0 {
			if line, err = in.ReadSlice('\n'); err != nil {
				return
			}
			last = last || bytes.EqualFold(bytes.TrimSpace(line), []byte("Connection: close"))
		}
		of.mu.Lock()
		of.asked = append(of.asked, a)
		of.mu.Unlock()
		answer := upAnswer
		if a.down {
			answer = downAnswer
		}
		if last {
			answer += "Connection: close\r\n"
		}
		if _, err := c.Write([]byte(answer + answerBody)); err != nil || last {
			return
		}
	}
}

// asks are the requests of a target until now.
func (t *targets) asks(i int) []ask {
	of := &t.all[i]
	of.mu.Lock()
	defer of.mu.Unlock()
	return slices.Clip(of.asked)
}

// unasked counts the targets that nobody has asked since a moment.
func (t *targets) unasked(since time.Time) (n int) {
	for i := range t.all {
		if all := t.asks(i); len(all) == 0 || all[len(all)-1].at.Before(since) {
			n++
		}
	}
	return n
}

// close ends them.
func (t *targets) close() error {
	err := t.listener.Close()
	t.mu.Lock()
	for c := range t.open {
		_ = c.Close() // likewise
	}
	t.open = nil
	t.mu.Unlock()
	t.ended.Wait()
	if n := t.wrong.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d requests to the targets were none that a probe makes", n))
	}
	return err
}
