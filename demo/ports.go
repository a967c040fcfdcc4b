package demo

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/skip2/go-qrcode"
)

// maxPorts is how many ports are tried behind a taken one.
const maxPorts = 50

// listen listens on the first free port from the wanted one on; 0 takes any.
func listen(host string, first int) (l net.Listener, err error) {
	for p := first; p < first+maxPorts; p++ {
		if l, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no port is free from %d on: %w (another one: --port)", first, err)
}

func port(l net.Listener) int { return portOf(l.Addr().String()) }

func portOf(address string) int {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0
	}
	return int(a.Port())
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
	png, err := qrcode.Encode(p.reach+"/phone/"+people[you].id, qrcode.Medium, 328)
	if err != nil {
		http.Error(w, "the code can't be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(png) // the browser went away: nothing is left to do
}
