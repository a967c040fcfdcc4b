package probe

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"

	"toban/detect/probe/tree"
)

// tlsSettings are tls_config of a module, in blackbox-exporter's words. They are
// read into a tls.Config when the module is.
type tlsSettings struct {
	CA                 string `yaml:"ca"` // PEM, as the two that follow
	Cert               string `yaml:"cert"`
	Key                Secret `yaml:"key"`
	CAFile             string `yaml:"ca_file"`
	CertFile           string `yaml:"cert_file"`
	KeyFile            string `yaml:"key_file"`
	ServerName         string `yaml:"server_name"`
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify"`
	MinVersion         string `yaml:"min_version"` // TLS10 to TLS13
	MaxVersion         string `yaml:"max_version"`
}

// maxFile bounds every file that a module names, in bytes.
const maxFile = 1 << 20

// readTLS reads the keys of tls_config and the files that they name. Nothing of
// what a file has is in a message.
func (l *loading) readTLS(n *tree.Node) (*tls.Config, []tree.Problem) {
	var s tlsSettings
	problems := tree.Decode(n, &s)
	if tree.Failed(problems) {
		return nil, problems
	}
	bad := func(key, format string, args ...any) {
		problems = append(problems, n.Key(key).Problem(key+": "+format, args...))
	}
	config := &tls.Config{ServerName: s.ServerName, InsecureSkipVerify: s.InsecureSkipVerify} //nolint:gosec // the module asks for it
	var ok bool
	if config.MinVersion, ok = tlsVersion(s.MinVersion); !ok {
		bad("min_version", "it is TLS10, TLS11, TLS12 or TLS13")
	}
	if config.MaxVersion, ok = tlsVersion(s.MaxVersion); !ok {
		bad("max_version", "it is TLS10, TLS11, TLS12 or TLS13")
	}
	if config.MaxVersion != 0 && config.MinVersion > config.MaxVersion {
		bad("max_version", "it is below min_version")
	}
	ca, why := l.textOrFile(s.CA, s.CAFile)
	if why != "" {
		bad("ca_file", "%s", why)
	} else if len(ca) > 0 && !(l.source.Blind && s.CAFile != "") {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(ca) {
			bad(named(s.CAFile, "ca_file", "ca"), "there is no certificate in it (PEM is wanted)")
		}
	}
	cert, why := l.textOrFile(s.Cert, s.CertFile)
	if why != "" {
		bad("cert_file", "%s", why)
	}
	key, why := l.textOrFile(string(s.Key), s.KeyFile)
	if why != "" {
		bad("key_file", "%s", why)
	}
	switch certKey := named(s.CertFile, "cert_file", "cert"); {
	case tree.Failed(problems):
	case len(cert) > 0 && len(key) == 0:
		bad(certKey, "its key is missing: add key_file")
	case len(key) > 0 && len(cert) == 0:
		bad(named(s.KeyFile, "key_file", "key"), "its certificate is missing: add cert_file")
	case len(cert) > 0 && !l.source.Blind:
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			bad(certKey, "the certificate and its key can't be used together, or are not PEM")
			break
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, problems
}

func named(file, ifFile, otherwise string) string {
	if file != "" {
		return ifFile
	}
	return otherwise
}

func tlsVersion(word string) (uint16, bool) {
	switch word {
	case "":
		return 0, true
	case "TLS10":
		return tls.VersionTLS10, true
	case "TLS11":
		return tls.VersionTLS11, true
	case "TLS12":
		return tls.VersionTLS12, true
	case "TLS13":
		return tls.VersionTLS13, true
	}
	return 0, false
}

// textOrFile is text, or what is in the file, and why it can't be had.
func (l *loading) textOrFile(text, file string) (content []byte, why string) {
	switch {
	case text != "" && file != "":
		return nil, "both a text and a file are given; leave one out"
	case text != "":
		return []byte(text), ""
	case file == "":
		return nil, ""
	}
	return l.file(file)
}

// file reads a file that a module names: from the working folder, as
// blackbox-exporter does, else from beside the module file.
func (l *loading) file(name string) (content []byte, why string) {
	if l.source.NoFiles {
		return nil, "files can't be named here; write the text itself"
	}
	if l.source.Blind {
		return []byte("unread"), ""
	}
	info, err := os.Stat(name)
	if os.IsNotExist(err) && !filepath.IsAbs(name) && l.source.Folder != "" {
		name = filepath.Join(l.source.Folder, name)
		info, err = os.Stat(name)
	}
	switch {
	case os.IsNotExist(err):
		return nil, "there is no such file"
	case err != nil:
		return nil, "the file can't be read"
	case !info.Mode().IsRegular():
		return nil, "this is no file"
	case info.Size() > maxFile:
		return nil, "the file is larger than 1 MiB"
	}
	if content, err = os.ReadFile(name); err != nil {
		return nil, "the file can't be read"
	}
	return content, ""
}
