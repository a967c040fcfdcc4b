package probe

import (
	"crypto/tls"
	"errors"
)

// GRPCSettings are the grpc part of a module, in blackbox-exporter's words, with
// KeepAlive as ours. What is not set is as in DefaultGRPC.
type GRPCSettings struct {
	Service             string              `yaml:"service"` // "": the server as a whole
	TLS                 bool                `yaml:"tls"`
	TLSConfig           *tls.Config         `yaml:"tls_config"` // ready for use; nil: the system's roots. Without ServerName it is the target's host
	IPProtocolFallback  bool                `yaml:"ip_protocol_fallback"`
	PreferredIPProtocol string              `yaml:"preferred_ip_protocol"` // ip4 or ip6
	Metadata            map[string][]string `yaml:"metadata"`              // sent along; never shown
	KeepAlive           bool                `yaml:"keep_alive"`            // the connection is kept for the next check of the target
}

// DefaultGRPC are the settings of a module that says nothing.
func DefaultGRPC() GRPCSettings { return GRPCSettings{IPProtocolFallback: true} }

const (
	maxService  = 1 << 10 // bytes
	maxMetadata = 8 << 10 // bytes, keys and values
)

// Validate says what is wrong with the settings, nil if nothing is.
func (s GRPCSettings) Validate() error {
	size := 0
	for name, values := range s.Metadata {
		if name == "" {
			return errors.New("metadata: a key is empty")
		}
		for _, v := range values {
			size += len(name) + len(v)
		}
	}
	switch {
	case len(s.Service) > maxService:
		return errors.New("service has at most 1024 bytes")
	case size > maxMetadata:
		return errors.New("metadata has at most 8 KiB")
	}
	return validateAddress(s.PreferredIPProtocol, "")
}
