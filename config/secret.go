package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// masked stands wherever a secret would.
const masked = "‹secret›"

// maxSecret bounds what a file behind a secret may hold.
const maxSecret = 64 << 10

// Secret refers to a value that is never written into the folder: an
// environment variable or a file. Printing, logging or encoding one shows that
// it is a secret and nothing else.
type Secret struct {
	ref   string // "env:NAME" or "file:PATH"
	plain string // for what may be written, such as an account's public id
}

// IsZero reports whether nothing is referred to.
func (s Secret) IsZero() bool { return s == Secret{} }

// Ref is the reference as it is written, such as env:NAME; "" for what is
// written in clear.
func (s Secret) Ref() string { return s.ref }

func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return masked
}

// GoString keeps %#v from showing what String hides.
func (s Secret) GoString() string { return s.String() }

// LogValue is what a log shows.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what JSON and other encodings show.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Resolve returns the value: that of the environment variable, or the content
// of the file without the line end. The error names the reference.
func (s Secret) Resolve(getenv func(string) string) (string, error) {
	return s.ResolveWith(getenv, readSecret)
}

// ResolveWith is Resolve with files read by readFile.
func (s Secret) ResolveWith(getenv func(string) string, readFile func(path string) ([]byte, error)) (string, error) {
	scheme, name, _ := strings.Cut(s.ref, ":")
	switch scheme {
	case "":
		return s.plain, nil
	case "env":
		if value := getenv(name); value != "" {
			return value, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set", name)
	case "file":
		raw, err := readFile(name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.ref, err)
		}
		if value := strings.TrimRight(string(raw), "\r\n"); value != "" {
			return value, nil
		}
		return "", fmt.Errorf("%s is empty", s.ref)
	}
	return "", fmt.Errorf("%s can't be read yet", s.ref)
}

func readSecret(path string) (raw []byte, err error) {
	// A pipe or device may never end, nor be open to anybody else.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("this is no file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	raw, err = io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(raw) > maxSecret {
		return nil, errors.New("a secret of more than 64 KiB is none")
	}
	return raw, err
}
