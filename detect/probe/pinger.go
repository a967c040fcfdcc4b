package probe

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Pinger sends the echo requests of many ICMP checks over few sockets, each with
// one goroutine that hears the replies: a raw socket hears those of the whole
// machine, so that a socket for each check would hear everything as often as
// there are checks. It opens what is asked for and keeps it until Close.
type Pinger struct {
	hearing sync.WaitGroup

	mu      sync.Mutex
	sockets map[echoKey]*echoSocket
	closed  bool
}

// echoKey is what is set on a socket and not with each packet.
type echoKey struct {
	v6           bool
	source       netip.Addr
	ttl          int
	dontFragment bool
	large        bool // replies are longer than smallReply
}

const (
	maxEchoSockets = 64      // ways of asking that modules of one program differ in
	smallReply     = 2 << 10 // bytes of an ICMP message for which a small buffer is enough
	echoBuffer     = 1 << 20 // bytes that the system may keep until they are heard
)

// NewPinger returns a Pinger that has no socket yet. Whoever made it closes it.
func NewPinger() *Pinger { return &Pinger{sockets: map[echoKey]*echoSocket{}} }

// Close closes the sockets and waits for those who hear. Checks under way fail.
func (p *Pinger) Close() error {
	p.mu.Lock()
	p.closed = true
	open := p.sockets
	p.sockets = nil
	p.mu.Unlock()
	var err error
	for _, s := range open {
		err = errors.Join(err, s.conn.Close())
	}
	p.hearing.Wait()
	return err
}

// socket returns the one for key, opening it if there is none.
func (p *Pinger) socket(key echoKey) (*echoSocket, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sockets[key]; s != nil {
		return s, nil
	}
	switch {
	case p.closed:
		return nil, net.ErrClosed
	case len(p.sockets) >= maxEchoSockets:
		return nil, &fault{ReasonPermission, "the modules differ in too many ways of sending ICMP"}
	}
	s, err := newEchoSocket(key)
	if err != nil {
		return nil, err
	}
	p.sockets[key] = s
	p.hearing.Go(func() {
		s.hear()
		p.drop(key, s)
	})
	return s, nil
}

// drop forgets a socket that hears nothing any more; the next check opens
// another one.
func (p *Pinger) drop(key echoKey, s *echoSocket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = s.conn.Close()
	if p.sockets[key] == s {
		delete(p.sockets, key)
	}
}

// echoSocket is a socket and those who wait for what it hears.
type echoSocket struct {
	key  echoKey
	conn net.PacketConn
	v4   *ipv4.PacketConn
	v6   *ipv6.PacketConn
	raw  bool
	id   uint16 // of raw sockets; the system has its own for others

	mu      sync.Mutex
	next    uint16
	waiting map[uint16]*echoWait
	deaf    error // why it hears nothing any more
}

// echoWait is an echo request that is under way.
type echoWait struct {
	to     netip.Addr // without a zone
	sent   time.Time
	token  []byte // with which the payload begins
	size   int    // of the payload
	answer chan echoAnswer
}

// echoAnswer is what came back.
type echoAnswer struct {
	rtt      time.Duration
	hopLimit int // of the reply; -1: not known
	err      error
}

func newEchoSocket(key echoKey) (*echoSocket, error) {
	conn, raw, err := openEcho(key.v6, key.source, key.dontFragment)
	if err != nil {
		return nil, err
	}
	s := &echoSocket{
		key: key, conn: conn, raw: raw, id: uint16(rand.Uint32()), next: uint16(rand.Uint32()),
		waiting: map[uint16]*echoWait{},
	}
	if larger, ok := conn.(interface{ SetReadBuffer(bytes int) error }); ok {
		_ = larger.SetReadBuffer(echoBuffer) // what the system allows has to do
	}
	// A filter spares waking up for what is not looked at, and the hop limit of
	// replies is an extra: what the system can't give is done without.
	if key.v6 {
		s.v6 = ipv6.NewPacketConn(conn)
		_ = s.v6.SetControlMessage(ipv6.FlagHopLimit, true)
		err = s.v6.SetHopLimit(key.ttl)
		if raw {
			var f ipv6.ICMPFilter
			f.SetAll(true)
			for _, t := range []ipv6.ICMPType{v6EchoReply, v6Unreachable, v6TooBig, v6TimeExceeded} {
				f.Accept(t)
			}
			_ = s.v6.SetICMPFilter(&f)
		}
	} else {
		s.v4 = ipv4.NewPacketConn(conn)
		_ = s.v4.SetControlMessage(ipv4.FlagTTL, true)
		err = s.v4.SetTTL(key.ttl)
		if raw {
			var f ipv4.ICMPFilter
			f.SetAll(true)
			for _, t := range []ipv4.ICMPType{v4EchoReply, v4Unreachable, v4TimeExceeded} {
				f.Accept(t)
			}
			_ = s.v4.SetICMPFilter(&f)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

// send sends an echo request with a payload of size bytes, and returns what to
// wait for; the caller ends the wait with forget.
func (s *echoSocket) send(to netip.Addr, size int) (seq uint16, wait *echoWait, err error) {
	packet := make([]byte, icmpHeader+size)
	payload := packet[icmpHeader:]
	copy(payload, "        toban asks whether you are up")
	token := payload[:min(size, 8)]
	for i, r := 0, rand.Uint64(); i < len(token); i, r = i+1, r>>8 {
		token[i] = byte(r)
	}
	wait = &echoWait{to: to.WithZone(""), token: token, size: size, answer: make(chan echoAnswer, 1)}
	var address net.Addr = &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	if !s.raw {
		address = &net.UDPAddr{IP: to.AsSlice(), Zone: to.Zone()}
	}
	if seq, err = s.expect(wait); err != nil {
		return 0, nil, err
	}
	echoRequest(packet, s.key.v6, s.id, seq)
	if _, err := s.conn.WriteTo(packet, address); err != nil {
		s.forget(seq)
		return 0, nil, err
	}
	return seq, wait, nil
}

// expect gives wait a number that nobody else waits for.
func (s *echoSocket) expect(wait *echoWait) (uint16, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf != nil {
		return 0, s.deaf
	}
	if len(s.waiting) > 60_000 {
		return 0, &fault{ReasonPermission, "too many echo requests are under way"}
	}
	for s.next++; s.waiting[s.next] != nil; s.next++ {
	}
	wait.sent = time.Now()
	s.waiting[s.next] = wait
	return s.next, nil
}

func (s *echoSocket) forget(seq uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, seq)
}

// hear gives what comes to those who wait for it, until the socket is closed or
// is of no use any more.
func (s *echoSocket) hear() {
	size := smallReply
	if s.key.large {
		size = 64 << 10
	}
	buffer := make([]byte, size)
	const patience = 100 // errors in a row
	for failures := 0; ; {
		n, from, hopLimit, err := s.read(buffer)
		switch {
		case err == nil:
			failures = 0
			s.heard(buffer[:n], from, hopLimit, time.Now())
		case errors.Is(err, net.ErrClosed) || failures == patience:
			s.turnDeaf(err)
			return
		default:
			failures++
		}
	}
}

func (s *echoSocket) read(b []byte) (n int, from netip.Addr, hopLimit int, err error) {
	var address net.Addr
	hopLimit = -1
	if s.key.v6 {
		var control *ipv6.ControlMessage
		if n, control, address, err = s.v6.ReadFrom(b); control != nil {
			hopLimit = control.HopLimit
		}
	} else {
		var control *ipv4.ControlMessage
		if n, control, address, err = s.v4.ReadFrom(b); control != nil {
			hopLimit = control.TTL
		}
	}
	switch a := address.(type) {
	case *net.UDPAddr:
		from, _ = netip.AddrFromSlice(a.IP)
	case *net.IPAddr:
		from, _ = netip.AddrFromSlice(a.IP)
	}
	return n, from.Unmap(), hopLimit, err
}

// heard finds whom a message is for. Only the host that was asked can answer,
// and only with what it was sent; anybody on the way can report trouble.
func (s *echoSocket) heard(message []byte, from netip.Addr, hopLimit int, at time.Time) {
	e, ok := parseEcho(message, s.key.v6)
	if !ok || s.raw && e.id != s.id {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.waiting[e.seq]
	if wait == nil {
		return
	}
	answer := echoAnswer{rtt: at.Sub(wait.sent), hopLimit: hopLimit}
	if e.trouble != "" {
		if e.to != wait.to {
			return
		}
		answer.err = &fault{ReasonUnreached, e.trouble + ", says " + from.String()}
	} else if from != wait.to || len(e.payload) != wait.size || !bytes.HasPrefix(e.payload, wait.token) {
		return
	}
	delete(s.waiting, e.seq)
	wait.answer <- answer // has room for the one answer
}

func (s *echoSocket) turnDeaf(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = why
	for seq, wait := range s.waiting {
		delete(s.waiting, seq)
		wait.answer <- echoAnswer{err: why}
	}
}
