package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// fault is an error whose reason is known where it is made.
type fault struct {
	reason  Reason
	message string
}

func (f *fault) Error() string { return f.message }

// stopped is what became of a check whose context was cancelled.
const stopped = "the check was stopped before an answer came"

// reasonOf says why an error keeps a target from being up, and in a sentence
// what came back. It is the one place where errors of the network, the resolver
// and TLS become reasons; err must not be nil.
func reasonOf(err error) (Reason, string) {
	if known, ok := errors.AsType[*fault](err); ok {
		return known.reason, known.message
	}
	if reason, message := reasonOfTLS(err); reason != "" {
		return reason, message
	}
	if reason, message := reasonOfSystem(err); reason != "" {
		return reason, message + peerOf(err)
	}
	var d *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &d):
		why := d.Err
		if message := outOf(why); message != "" {
			return ReasonPermission, message
		}
		if d.IsTimeout {
			why = "no name server answered in time"
		} else if d.IsNotFound {
			why = "the name is not known"
		}
		return ReasonResolve, "no address for " + d.Name + ": " + why
	case errors.Is(err, context.Canceled):
		return ReasonTimeout, stopped
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return ReasonTimeout, "no answer in time" + peerOf(err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ReasonReset, "the connection was closed before the answer was complete" + peerOf(err)
	}
	if handshake, ok := errors.AsType[*handshakeFault](err); ok {
		return ReasonTLS, "no agreement on TLS: " + safeText([]byte(strings.TrimPrefix(handshake.err.Error(), "tls: ")), MaxValue)
	}
	return ReasonProtocol, safeText([]byte(err.Error()), MaxValue)
}

// reasonOfSystem knows the errors of the system's calls.
func reasonOfSystem(err error) (Reason, string) {
	number, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return "", ""
	}
	switch number {
	case syscall.ECONNREFUSED:
		return ReasonRefused, "the connection was refused"
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, syscall.ENOTCONN:
		return ReasonReset, "the connection was cut"
	case syscall.ETIMEDOUT:
		return ReasonTimeout, "no answer in time"
	case syscall.EHOSTUNREACH, syscall.EHOSTDOWN:
		return ReasonUnreached, "there is no way to the host"
	case syscall.ENETUNREACH, syscall.ENETDOWN:
		return ReasonUnreached, "there is no way to the network"
	case syscall.EAFNOSUPPORT:
		return ReasonUnreached, "this machine has no such network"
	case syscall.EADDRNOTAVAIL:
		return ReasonPermission, "the system has no free port, or not the local address to ask from"
	case syscall.EACCES, syscall.EPERM:
		return ReasonPermission, "the system does not allow it (" + number.Error() + ")"
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return ReasonPermission, noSocket(number)
	case syscall.EMSGSIZE:
		return ReasonUnreached, "the packet is too large for the way"
	}
	return "", ""
}

func noSocket(number syscall.Errno) string {
	return "the system gives toban no further socket (" + number.Error() + ")"
}

// outOf finds out whether a resolver, whose error has this text, had no file or
// socket to ask with; "" otherwise. The error itself is not in it, and where the
// resolver could not even read its settings the text says that there is no such
// name.
func outOf(text string) string {
	for _, number := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		if strings.Contains(text, number.Error()) {
			return noSocket(number)
		}
	}
	file, err := os.Open(os.DevNull)
	if number, ok := errors.AsType[syscall.Errno](err); ok && (number == syscall.EMFILE || number == syscall.ENFILE) {
		return noSocket(number)
	} else if err == nil {
		_ = file.Close() // nothing was written
	}
	return ""
}

// reasonOfTLS knows what goes wrong in a handshake.
func reasonOfTLS(err error) (Reason, string) {
	var (
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		name     x509.HostnameError
		roots    x509.SystemRootsError
		record   tls.RecordHeaderError
		verified *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		now := time.Now()
		if invalid.Cert != nil && now.Before(invalid.Cert.NotBefore) {
			return ReasonExpired, "the certificate is valid from " + moment(invalid.Cert.NotBefore)
		}
		if invalid.Cert != nil {
			return ReasonExpired, "the certificate's time was over at " + moment(invalid.Cert.NotAfter)
		}
		return ReasonExpired, "the certificate's time is over"
	case errors.As(err, &name):
		return ReasonName, safeText([]byte(strings.TrimPrefix(name.Error(), "x509: ")), MaxValue)
	case errors.As(err, &unknown):
		who := ""
		if unknown.Cert != nil {
			who = " (issued by " + safeText([]byte(unknown.Cert.Issuer.String()), 200) + ")"
		}
		return ReasonChain, "nobody known vouches for the certificate" + who
	case errors.As(err, &invalid), errors.As(err, &roots), errors.As(err, &verified):
		return ReasonChain, safeText([]byte(strings.TrimPrefix(tlsCause(err), "x509: ")), MaxValue)
	case errors.As(err, &record):
		return ReasonTLS, "what came is not TLS"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" && op.Err != nil { // an alert, whose type crypto/tls keeps to itself
		return ReasonTLS, "the target ended the handshake: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	}
	return "", ""
}

// handshakeFault is an error of a TLS handshake. What crypto/tls finds wrong
// itself has no type, so whoever shakes hands says that it was there.
type handshakeFault struct{ err error }

func (h *handshakeFault) Error() string { return h.err.Error() }
func (h *handshakeFault) Unwrap() error { return h.err }

// refusedTLS is the error of a handshake, with what is missing in the chain
// where that is why.
func refusedTLS(err error) error {
	if why := chainFault(err, unverified(err)); why != "" {
		return &fault{ReasonChain, why}
	}
	return inHandshake(err)
}

// inHandshake marks err, which may be nil, as one of a TLS handshake.
func inHandshake(err error) error {
	if err == nil {
		return nil
	}
	return &handshakeFault{err}
}

// tlsCause is the innermost text about a certificate.
func tlsCause(err error) string {
	if verified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && verified.Err != nil {
		return verified.Err.Error()
	}
	return err.Error()
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// peerOf is " by 192.0.2.7:443" where an error knows its peer.
func peerOf(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return " (" + op.Addr.String() + ")"
	}
	return ""
}
