package demo

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"toban/i18n"
	"toban/internal/peer"
)

// gate says who may see what. The guide may do everything, up to signing its
// reader in as an admin, so it is for this machine: others in the network, when
// they are let in at all, get Ume's telephone and nothing else, and that with
// the secret of its QR code. It answers under this machine's own names only: a
// page from elsewhere, whose name leads here by a trick with DNS, is a page from
// elsewhere.
type gate struct {
	next   http.Handler
	host   string              // that was asked to be listened on
	at     netip.AddrPort      // that is listened on
	own    func() []netip.Addr // of this machine, beside loopback
	secret string              // of Ume's telephone
	number string              // of Ume's telephone
	away   http.Handler        // for others
	page   string              // its own address, for people
	lang   func(*http.Request) string
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !g.named(r.Host):
		w.Header().Set("Connection", "close")
		http.Error(w, i18n.In(g.lang(r)).Say("demo.misdirected", "url", g.page), http.StatusMisdirectedRequest)
	case g.local(peer.Of(r)):
		g.next.ServeHTTP(w, r)
	case g.scanned(r):
		http.SetCookie(w, &http.Cookie{Name: phoneCookie, Value: g.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		q := r.URL.Query()
		q.Del(phoneKey)
		http.Redirect(w, r, (&url.URL{Path: r.URL.Path, RawQuery: q.Encode()}).String(), http.StatusSeeOther)
	case open(r), g.known(r) && g.ofPhone(r):
		g.next.ServeHTTP(w, r)
	default:
		g.away.ServeHTTP(w, r)
	}
}

// phoneKey is how the QR code names its secret, phoneCookie where it is kept.
const (
	phoneKey    = "k"
	phoneCookie = "toban-demo-phone"
)

// named reports whether a request means this machine, by the name it uses.
func (g *gate) named(hostport string) bool {
	name, port, err := net.SplitHostPort(hostport)
	if err != nil {
		name, port = strings.Trim(hostport, "[]"), "80"
	}
	if port != strconv.Itoa(int(g.at.Port())) {
		return false
	}
	if strings.EqualFold(name, "localhost") || g.host != "" && strings.EqualFold(name, g.host) {
		return true
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	switch {
	case addr.IsLoopback(), addr == g.at.Addr().Unmap():
		return true
	case g.at.Addr().IsUnspecified():
		return slices.Contains(g.own(), addr)
	}
	return false
}

// local reports whether a connection comes from this machine.
func (g *gate) local(from netip.Addr) bool {
	if !from.IsValid() {
		return false
	}
	from = from.WithZone("")
	return from.IsLoopback() || slices.Contains(g.own(), from)
}

// scanned reports whether a request is the one of the QR code.
func (g *gate) scanned(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == phonePath() && g.right(r.URL.Query().Get(phoneKey))
}

// known reports whether a request comes from a browser that has scanned it.
func (g *gate) known(r *http.Request) bool {
	c, err := r.Cookie(phoneCookie)
	return err == nil && g.right(c.Value)
}

func (g *gate) right(secret string) bool {
	return g.secret != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(g.secret)) == 1
}

// open reports whether what is asked for is in every toban: styles, scripts,
// pictures.
func open(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, folder := range []string{"/static/", "/guide/assets/", "/sim/twilio/static/"} {
		if strings.HasPrefix(r.URL.Path, folder) {
			return true
		}
	}
	return r.URL.Path == "/manifest.webmanifest"
}

// ofPhone reports whether a request is one that Ume's telephone makes: its page,
// the telephone in it and its changes, and the hand on its keys.
func (g *gate) ofPhone(r *http.Request) bool {
	const numbers = "/sim/twilio/numbers/"
	switch path := r.URL.Path; {
	case r.Method == http.MethodGet && path == phonePath():
		return true
	case r.Method == http.MethodGet && (path == "/sim/phones" || path == "/sim/twilio/live"):
		only := r.URL.Query()["only"]
		return len(only) == 1 && only[0] == g.number
	case r.Method == http.MethodPost && strings.HasPrefix(path, numbers):
		hand, ok := strings.CutPrefix(path, numbers+g.number+"/")
		return ok && slices.Contains([]string{"answer", "decline", "hangup", "press"}, hand)
	}
	return false
}

// phonePath is where the reader's telephone is.
func phonePath() string { return "/phone/" + people[you].id }

// ownAddresses are those of this machine's interfaces.
func ownAddresses() (all []netip.Addr) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, prefix.Addr().Unmap().WithZone(""))
		}
	}
	return all
}
