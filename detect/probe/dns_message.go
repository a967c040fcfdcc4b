package probe

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// errStranger is what parseDNS says of a message that answers another query.
var errStranger = errors.New("the answer is to another query")

// readDNS reads one message, into buffer where it fits.
func readDNS(conn net.Conn, buffer []byte, datagrams bool) ([]byte, error) {
	if datagrams {
		n, err := conn.Read(buffer)
		return buffer[:n], err
	}
	if _, err := io.ReadFull(conn, buffer[:2]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(buffer))
	if size > len(buffer) {
		buffer = make([]byte, size)
	}
	_, err := io.ReadFull(conn, buffer[:size])
	return buffer[:size], err
}

// parseDNS reads the answer to a query; errStranger is the error for the answer
// to another one.
func parseDNS(message []byte, id uint16, question dns.Question) (*dns.Msg, error) {
	if len(message) >= 2 && binary.BigEndian.Uint16(message) != id {
		return nil, errStranger
	}
	var answer dns.Msg
	if err := answer.Unpack(message); err != nil {
		return nil, &fault{ReasonProtocol, "what came is not a DNS message"}
	}
	if !answer.Response {
		return nil, &fault{ReasonProtocol, "what came is a query, not an answer"}
	}
	if len(answer.Question) > 0 { // some errors come without it
		q := answer.Question[0]
		if !strings.EqualFold(q.Name, question.Name) || q.Qtype != question.Qtype || q.Qclass != question.Qclass {
			return nil, errStranger
		}
	}
	return &answer, nil
}

func rcodeName(code int) string {
	if name, ok := dns.RcodeToString[code]; ok {
		return name
	}
	return "RCODE " + strconv.Itoa(code)
}

func (c *dnsChecker) wantedRcodes() string {
	names := make([]string, len(c.rcodes))
	for i, code := range c.rcodes {
		names[i] = rcodeName(code)
	}
	return strings.Join(names, " or ")
}

// validate says which condition the records of a section don't meet, "" if they
// meet all. Without records there is none that matches.
func (v DNSValidator) validate(ctx context.Context, records []dns.RR) (why string) {
	if len(v.FailIfMatchesRegexp)+len(v.FailIfAllMatchRegexp)+len(v.FailIfNotMatchesRegexp)+len(v.FailIfNoneMatchesRegexp) == 0 {
		return ""
	}
	if len(records) == 0 && len(v.FailIfNotMatchesRegexp)+len(v.FailIfNoneMatchesRegexp) > 0 {
		return "it is empty, and a record has to match"
	}
	allMatch, anyMatch := true, false
	var slow error
	match := func(re *regexp.Regexp, line string) bool {
		found, err := matches(ctx, re, []byte(line))
		slow = cmp.Or(slow, err)
		return found
	}
	defer func() {
		if slow != nil {
			why = "a record " + unjudged(slow)
		}
	}()
	for _, r := range records {
		line := r.String()
		shown := strconv.Quote(safeText([]byte(line), 200))
		for _, re := range v.FailIfMatchesRegexp {
			if match(re, line) {
				return "a record matches " + re.String() + ": " + shown
			}
		}
		for _, re := range v.FailIfNotMatchesRegexp {
			if !match(re, line) {
				return "a record does not match " + re.String() + ": " + shown
			}
		}
		for _, re := range v.FailIfAllMatchRegexp {
			allMatch = match(re, line) && allMatch
		}
		for _, re := range v.FailIfNoneMatchesRegexp {
			anyMatch = match(re, line) || anyMatch
		}
	}
	// blackbox-exporter fails where not all records match, whatever the key
	// seems to say, and module files rely on it.
	if len(v.FailIfAllMatchRegexp) > 0 && !allMatch {
		return "not all records match " + joined(v.FailIfAllMatchRegexp)
	}
	if len(v.FailIfNoneMatchesRegexp) > 0 && !anyMatch {
		return "no record matches " + joined(v.FailIfNoneMatchesRegexp)
	}
	return ""
}

// recordValue is what a record says, without name, TTL, class and type.
func recordValue(r dns.RR) string {
	if txt, ok := r.(*dns.TXT); ok {
		return strings.Join(txt.Txt, "")
	}
	return strings.TrimPrefix(r.String(), r.Header().String())
}

// expected says which answers are missing and which are too many.
func expected(want, got []string) error {
	var missing, unwanted []string
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return sameAnswer(w, g) }) {
			missing = append(missing, strconv.Quote(safeText([]byte(w), 200)))
		}
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(w string) bool { return sameAnswer(w, g) }) {
			unwanted = append(unwanted, strconv.Quote(safeText([]byte(g), 200)))
		}
	}
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, "missing "+few(missing))
	}
	if len(unwanted) > 0 {
		parts = append(parts, "not expected "+few(unwanted))
	}
	if len(parts) == 0 {
		return nil
	}
	return &fault{ReasonAnswer, "the answers differ: " + strings.Join(parts, "; ")}
}

// few are the first of a list, with how many follow.
func few(list []string) string {
	const enough = 5
	if len(list) <= enough {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:enough], ", ") + " and " + strconv.Itoa(len(list)-enough) + " more"
}

// sameAnswer compares an expected answer with one that came: texts as they are,
// addresses by what they mean, names without regard to case and the last dot.
func sameAnswer(want, got string) bool {
	if want == got || want == strconv.Quote(got) {
		return true
	}
	return canonical(want) == canonical(got)
}

func canonical(answer string) string {
	if ip, err := netip.ParseAddr(answer); err == nil {
		return ip.Unmap().String()
	}
	words := strings.Fields(strings.ToLower(answer))
	for i, w := range words {
		words[i] = strings.TrimSuffix(w, ".")
	}
	return strings.Join(words, " ")
}

func joined(expressions []*regexp.Regexp) string {
	texts := make([]string, len(expressions))
	for i, re := range expressions {
		texts[i] = re.String()
	}
	return strings.Join(texts, " and ")
}
