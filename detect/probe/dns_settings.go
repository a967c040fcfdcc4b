package probe

import (
	"crypto/tls"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"toban/internal/nearest"
)

// DNSSettings are the dns part of a module, in blackbox-exporter's words, with
// two of ours: Expect and SystemResolver. What is not set is as in DefaultDNS.
type DNSSettings struct {
	IPProtocol         string       `yaml:"preferred_ip_protocol"` // of the way to the server: ip4 or ip6
	IPProtocolFallback bool         `yaml:"ip_protocol_fallback"`
	SourceIPAddress    string       `yaml:"source_ip_address"`
	DNSOverTLS         bool         `yaml:"dns_over_tls"`       // with transport_protocol tcp; the port is 853 if the target has none
	TLSConfig          *tls.Config  `yaml:"tls_config"`         // ready for use; nil: the system's roots. Without ServerName it is the target's host
	TransportProtocol  string       `yaml:"transport_protocol"` // udp or tcp; "": udp
	QueryClass         string       `yaml:"query_class"`        // "": IN
	QueryName          string       `yaml:"query_name"`
	QueryType          string       `yaml:"query_type"` // "": ANY
	Recursion          bool         `yaml:"recursion_desired"`
	ValidRcodes        []string     `yaml:"valid_rcodes"` // none: NOERROR
	ValidateAnswer     DNSValidator `yaml:"validate_answer_rrs"`
	ValidateAuthority  DNSValidator `yaml:"validate_authority_rrs"`
	ValidateAdditional DNSValidator `yaml:"validate_additional_rrs"`

	// Expect are the answers that have to come, all of them and, of the query's
	// type, no others: addresses, names, texts, "10 mail.example.jp." for MX.
	Expect []string `yaml:"expect"`
	// SystemResolver asks the resolver of the system for the target, which is
	// then the name. QueryName has to be empty; QueryType is A, AAAA, CNAME, MX,
	// NS, PTR, TXT or "" (addresses of both families).
	SystemResolver bool `yaml:"system_resolver"`
}

// DNSValidator are conditions on the records of one section. Each record is
// looked at as a line of a zone file: name, TTL, class, type and value between
// single tabs.
type DNSValidator struct {
	FailIfMatchesRegexp     []*regexp.Regexp `yaml:"fail_if_matches_regexp"`
	FailIfAllMatchRegexp    []*regexp.Regexp `yaml:"fail_if_all_match_regexp"`
	FailIfNotMatchesRegexp  []*regexp.Regexp `yaml:"fail_if_not_matches_regexp"`
	FailIfNoneMatchesRegexp []*regexp.Regexp `yaml:"fail_if_none_matches_regexp"`
}

// DefaultDNS are the settings of a module that says nothing.
func DefaultDNS() DNSSettings { return DNSSettings{IPProtocolFallback: true, Recursion: true} }

const maxExpected = 200 // answers

// Validate says what is wrong with the settings, nil if nothing is.
func (s DNSSettings) Validate() error {
	if err := validateAddress(s.IPProtocol, s.SourceIPAddress); err != nil {
		return err
	}
	if len(s.Expect) > maxExpected {
		return errors.New("expect: at most 200 answers")
	}
	if s.SystemResolver {
		return s.validateSystem()
	}
	if s.QueryName == "" {
		return errors.New("query_name has to be set")
	}
	if _, ok := dns.IsDomainName(s.QueryName); !ok {
		return errors.New("query_name is not a domain name")
	}
	if _, ok := dns.StringToClass[s.QueryClass]; s.QueryClass != "" && !ok {
		return errors.New("query_class: there is no class " + safeText([]byte(s.QueryClass), 100))
	}
	if _, ok := dns.StringToType[s.QueryType]; s.QueryType != "" && !ok {
		return errors.New("query_type: there is no type " + safeText([]byte(s.QueryType), 100) + meant(s.QueryType, dns.StringToType))
	}
	switch s.TransportProtocol {
	case "udp", "":
		if s.DNSOverTLS {
			return errors.New("dns_over_tls needs transport_protocol: tcp")
		}
	case "tcp":
	default:
		return errors.New("transport_protocol: udp or tcp")
	}
	for _, code := range s.ValidRcodes {
		if _, ok := dns.StringToRcode[code]; !ok {
			return errors.New("valid_rcodes: there is no RCODE " + safeText([]byte(code), 100) + meant(code, dns.StringToRcode))
		}
	}
	return nil
}

func (s DNSSettings) validateSystem() error {
	if s.QueryName != "" {
		return errors.New("system_resolver: the target is the name; query_name has to be empty")
	}
	switch strings.ToUpper(s.QueryType) {
	case "", "A", "AAAA", "CNAME", "MX", "NS", "PTR", "TXT":
		return nil
	}
	return errors.New("system_resolver: query_type is A, AAAA, CNAME, MX, NS, PTR, TXT or not set")
}

// meant ends a message about a word that is not known with the one that is next.
func meant[V any](word string, known map[string]V) string {
	if next := nearest.Word(word, slices.Sorted(maps.Keys(known))); next != "" {
		return "; did you mean " + next + "?"
	}
	return ""
}
