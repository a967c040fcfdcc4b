package probe

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
)

// redirect is the request that an answer sends us to; nil when it sends us
// nowhere or is not followed, with the reason where that is a failure.
func (r *httpRun) redirect(req *http.Request, resp *http.Response, cookies *jar) (*http.Request, error) {
	method, withBody, is := redirected(req.Method, resp.StatusCode)
	location := resp.Header.Get("Location")
	if !is || location == "" {
		return nil, nil
	}
	r.redirects++
	r.stopped = true // until it is followed
	if !r.c.FollowRedirects {
		return nil, nil
	}
	if r.redirects > maxRedirects {
		return nil, &fault{ReasonRedirect, "the target redirects more than 10 times"}
	}
	from := req.URL
	if from == r.at {
		from = r.named
	}
	to, err := from.Parse(location)
	if err != nil {
		return nil, &fault{ReasonRedirect, "the target redirects to something that is not a URL"}
	}
	if to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil, &fault{ReasonRedirect, "the target redirects to " + safeText([]byte(to.Scheme), 40) + ", which is not asked"}
	}
	header := req.Header.Clone()
	host := ""
	if relative, err := url.Parse(location); err == nil && relative.Host == "" {
		host = req.Host // a virtual host stays the same
	}
	if !sameHost(to, r.first) || r.first.Scheme == "https" && to.Scheme != "https" {
		// Somebody else, or somebody who listens: credentials stay here.
		for _, name := range r.c.ready.private {
			header.Del(name)
		}
		header.Del("Authorization")
		if host == "" {
			header.Del("Cookie")
		}
		if withBody && r.c.ready.bodyStays {
			return nil, &fault{ReasonRedirect, "the target has what is sent go on to " + safeText([]byte(to.Host), 200) + ", and there is a secret in it"}
		}
	}
	cookies.keep(from, resp.Cookies())
	cookies.add(to, header)
	r.stopped = false
	var body []byte
	if withBody {
		body = r.c.ready.body
	} else {
		for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding"} {
			header.Del(name)
		}
	}
	to, host, err = r.behindProxy(to, host)
	if err != nil {
		return nil, err
	}
	return r.c.made(method, to, host, header, body), nil
}

// redirected is how a status has the next request made.
func redirected(method string, status int) (next string, withBody, is bool) {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther:
		if method != http.MethodGet && method != http.MethodHead {
			method = http.MethodGet
		}
		return method, false, true
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return method, true, true
	}
	return "", false, false
}

// sameHost reports whether two URLs lead to the same server of the same host.
// The ports of http and https are the same server: that is what most redirects
// are about.
func sameHost(a, b *url.URL) bool {
	if !strings.EqualFold(a.Hostname(), b.Hostname()) {
		return false
	}
	return portOf(a) == portOf(b) || portOf(a) == standardPort(a) && portOf(b) == standardPort(b)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return standardPort(u)
}

func standardPort(u *url.URL) string {
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// jar keeps the cookies of one check: a login sets one and redirects.
type jar struct{ cookies *cookiejar.Jar }

const maxCookies = 50 // of one answer

func (j *jar) keep(u *url.URL, cookies []*http.Cookie) {
	if len(cookies) == 0 {
		return
	}
	if j.cookies == nil {
		made, err := cookiejar.New(nil)
		if err != nil {
			return // it never fails without options
		}
		j.cookies = made
	}
	j.cookies.SetCookies(u, cookies[:min(len(cookies), maxCookies)])
}

// add puts the cookies for u into a header, in the place of those of the same
// name.
func (j *jar) add(u *url.URL, header http.Header) {
	if j.cookies == nil {
		return
	}
	own := j.cookies.Cookies(u)
	if len(own) == 0 {
		return
	}
	old := (&http.Request{Header: header}).Cookies()
	header.Del("Cookie")
	with := &http.Request{Header: header}
	for _, c := range old {
		if !slices.ContainsFunc(own, func(o *http.Cookie) bool { return o.Name == c.Name }) {
			with.AddCookie(c)
		}
	}
	for _, c := range own {
		with.AddCookie(c)
	}
}
