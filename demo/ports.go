package demo

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/skip2/go-qrcode"
)

// maxPorts is how many ports are tried behind a taken one.
const maxPorts = 50

// listen listens on the first free port from the wanted one on; 0 takes any.
func listen(host string, first int) (l net.Listener, err error) {
	for p := first; p < first+maxPorts; p++ {
		l, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) { // another port would not help
			return nil, err
		}
	}
	return nil, fmt.Errorf("no port is free from %d on: %w (another one: --port)", first, err)
}

// fileOf is a listener as a file that can be handed to a child.
func fileOf(l net.Listener) (*os.File, error) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("%s is no listener of TCP", l.Addr())
	}
	return tcp.File()
}

func port(l net.Listener) int { return portOf(l.Addr().String()) }

func portOf(address string) int {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0
	}
	return int(a.Port())
}

// host is the address that l listens on.
func host(l net.Listener) string { return hostOf(l.Addr().String()) }

// near is the name under which this machine reaches what listens on host.
func near(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// address is the URL of a port of a host.
func address(host string, port int) string {
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// reachable is the name under which other devices reach what listens on host:
// for every address of this machine, the first that a network at home has.
func reachable(host string) string {
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.IsUnspecified() {
		return host
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && prefix.Addr().Is4() && !prefix.Addr().IsLoopback() && !prefix.Addr().IsLinkLocalUnicast() {
			return prefix.Addr().String()
		}
	}
	return "127.0.0.1"
}

// terminalCode is a QR code of half blocks.
func terminalCode(text string) string {
	code, err := qrcode.New(text, qrcode.Low)
	if err != nil {
		return ""
	}
	return strings.TrimRight(code.ToSmallString(false), "\n")
}

// qr answers GET /guide/qr.png: the address of Ume's telephone.
func (p *page) qr(w http.ResponseWriter, r *http.Request) {
	if p.reach == "" {
		http.NotFound(w, r)
		return
	}
	png, err := qrcode.Encode(p.reach, qrcode.Medium, 328)
	if err != nil {
		http.Error(w, "the code can't be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(png) // the browser went away: nothing is left to do
}
