package probe

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

const phaseHelp = "Duration of http request by phase, summed over all redirects"

// plainSamples are as many as there are without TLS, and secureSamples as many
// more as there are with it.
const (
	plainSamples  = 17
	secureSamples = 5
)

// samples are what blackbox-exporter measures of an HTTP target, 0 where it
// didn't come so far.
func (r *httpRun) samples() {
	sums, seen := r.durations()
	res := r.result
	room := plainSamples
	if r.resp != nil && r.resp.TLS != nil {
		room += secureSamples
	}
	res.Samples = make([]Sample, 0, room)
	for i, was := range seen {
		if was {
			res.Phases = append(res.Phases, Phase{httpPhases[i], sums[i]})
		}
	}
	if len(r.hops) > 0 {
		asked := seen[1] || r.resp != nil || !r.hops[0].gotConn.IsZero()
		if ip, lookup := r.address(); !r.c.SkipResolvePhaseWithProxy || r.c.ready.proxy == nil {
			r.trial.sample(addressSamples(ip, lookup)...)
		}
		for i := range httpPhases {
			if i == 0 || asked {
				r.add("probe_http_duration_seconds", phaseHelp, sums[i].Seconds(), phaseLabels[i:i+1:i+1]...)
			}
		}
	}
	var length, status, version float64
	secure := false
	if resp := r.resp; resp != nil {
		length, status, secure = float64(resp.ContentLength), float64(resp.StatusCode), resp.TLS != nil
		version = float64(resp.ProtoMajor) + float64(resp.ProtoMinor)/10
		if at, ok := lastModified(resp.Header); ok {
			r.add("probe_http_last_modified_timestamp_seconds", "Returns the Last-Modified HTTP response header in unixtime", float64(at.Unix()))
		}
	}
	r.trial.sample(
		flag("probe_failed_due_to_regex", "Indicates if probe failed due to regex", r.regex == unmet),
		Sample{Name: "probe_http_content_length", Help: "Length of http content response", Value: length},
		Sample{Name: "probe_http_redirects", Help: "The number of redirects", Value: float64(r.redirects)},
		flag("probe_http_ssl", "Indicates if SSL was used for the final redirect", secure),
		Sample{Name: "probe_http_status_code", Help: "Response HTTP status code", Value: status},
		Sample{Name: "probe_http_uncompressed_body_length", Help: "Length of uncompressed response body", Value: float64(r.size)},
		Sample{Name: "probe_http_version", Help: "Returns the version of HTTP of the probe response", Value: version},
	)
	if len(r.c.JSON) > 0 {
		r.trial.sample(flag("probe_failed_due_to_json", "Indicates if probe failed due to a condition in jq on the body", r.json == unmet))
	}
	if secure {
		certificate, samples := r.c.certificate(r.resp.TLS)
		res.Certificate = certificate
		r.chain = r.resp.TLS.PeerCertificates
		r.trial.sample(samples...)
	}
}

func lastModified(h http.Header) (at time.Time, ok bool) {
	text := h.Get("Last-Modified")
	if text == "" {
		return time.Time{}, false
	}
	at, err := http.ParseTime(text)
	return at, err == nil
}

func (r *httpRun) add(name, help string, value float64, labels ...Label) {
	r.trial.sample(Sample{Name: name, Help: help, Labels: labels, Value: value})
}

// address is that of the target's own host, and how long finding it took.
func (r *httpRun) address() (netip.Addr, time.Duration) {
	h := &r.hops[0]
	if h.resolveErr != nil || h.err != nil && h.only {
		return netip.Addr{}, h.resolve
	}
	return h.ip, h.resolve
}

// close ends the check with its evidence.
func (r *httpRun) close() *Result {
	if r.result.Reason == "" && !wantsEvidence(r.ctx) {
		return r.end(r.ctx, nil)
	}
	hide := r.c.ready.secrets.and(r.secrets())
	r.result.Message = hide.text(r.result.Message)
	for i := range r.hops {
		r.tell(&r.hops[i])
	}
	if r.result.Message != "" {
		r.try(r.result.Message)
	}
	for i, line := range r.tried {
		r.tried[i] = hide.text(line)
	}
	e := &Evidence{BodySize: r.size, Chain: chainLines(r.chain)}
	if r.resp != nil {
		e.Status = safeText([]byte(r.resp.Proto+" "+r.resp.Status), MaxValue)
		e.Headers = headerLines(r.resp.Header, hide)
		if coding := r.resp.Header.Get("Content-Encoding"); coding == "" || r.c.Compression != "" {
			e.Body = safeText([]byte(hide.text(bodyText(r.beginning))), MaxBodySample)
		}
	}
	return r.end(r.ctx, e)
}

// secrets are those that the module does not know: the target's own, and the
// token that was fetched.
func (r *httpRun) secrets() []string {
	all := secretsOf(r.first)
	if r.token != "" {
		all = append(all, lastWord(r.token))
	}
	return all
}

// tell says what one request tried and what became of it.
func (r *httpRun) tell(h *httpHop) {
	host := r.first.Hostname()
	if h.url != nil {
		host = h.url.Hostname()
	}
	if h.resolve > 0 && h.resolveErr == nil && !(h.only && h.err != nil) {
		r.try("resolved ", host, " to ", h.ip.String(), " in ", brief(h.resolve))
	}
	if h.only {
		return
	}
	switch {
	case h.reused:
		r.try("used the kept connection to ", h.address)
	case h.connected:
		r.try("connected to ", h.address, " in ", brief(h.connect))
	case h.connectErr != nil:
		r.try("connect to ", h.address, " failed after ", brief(h.connect))
	}
	if !h.tlsDone.IsZero() && h.tlsErr == nil && !h.reused {
		r.try("agreed on TLS in ", brief(h.tlsDone.Sub(h.tlsStart)))
	}
	if h.status != "" {
		r.try(h.method, " ", showURL(h.url), " → ", h.proto, " ", h.status)
	} else if h.connected || h.reused {
		r.try(h.method, " ", showURL(h.url), " → no answer")
	}
}

// headerLines are the headers of an answer without what logs somebody in.
func headerLines(header http.Header, hide redactor) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			switch {
			case len(lines) == MaxHeaders:
				return lines
			case name == "Set-Cookie":
				cookie, _, _ := strings.Cut(value, "=")
				value = cookie + "=…"
			case name == "Location":
				if u, err := url.Parse(value); err == nil {
					value = showURL(u)
				}
			case secretHeader(name) && name != "Www-Authenticate":
				value = hidden
			}
			lines = append(lines, safeText([]byte(fmt.Sprintf("%s: %s", name, hide.text(value))), MaxValue))
		}
	}
	return lines
}
