package probe

import "errors"

// ICMPSettings are the icmp part of a module, in blackbox-exporter's words.
// What is not set is as in DefaultICMP.
type ICMPSettings struct {
	IPProtocol         string `yaml:"preferred_ip_protocol"` // ip4 or ip6
	IPProtocolFallback bool   `yaml:"ip_protocol_fallback"`
	SourceIPAddress    string `yaml:"source_ip_address"`
	PayloadSize        int    `yaml:"payload_size"`  // bytes after the ICMP header; 0: 28
	DontFragment       bool   `yaml:"dont_fragment"` // IPv4; in IPv6 no router ever fragments
	TTL                int    `yaml:"ttl"`           // of the request, 1 to 255; 0: 64
}

// DefaultICMP are the settings of a module that says nothing.
func DefaultICMP() ICMPSettings { return ICMPSettings{IPProtocolFallback: true, TTL: defaultTTL} }

const (
	defaultTTL     = 64
	defaultPayload = 28
	maxPayload     = 65507 - icmpHeader // what an IPv4 packet holds
)

// Validate says what is wrong with the settings, nil if nothing is.
func (s ICMPSettings) Validate() error {
	switch {
	case s.PayloadSize < 0 || s.PayloadSize > maxPayload:
		return errors.New("payload_size: 0 to 65499 bytes")
	case s.TTL < 0 || s.TTL > 255:
		return errors.New("ttl: 0 to 255")
	}
	return validateAddress(s.IPProtocol, s.SourceIPAddress)
}
