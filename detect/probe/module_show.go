package probe

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"toban/detect/probe/tree"
)

// secretKeys are the keys of a module behind which secrets stand.
var secretKeys = []string{
	"password", "credentials", "bearer_token", "client_secret", "client_certificate_key", "key", "secrets", "endpoint_params", "metadata",
	"proxy_connect_header", "send", "body",
}

// secretHeader reports whether the value of a header is not to be shown.
func secretHeader(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"auth", "cookie", "token", "secret", "key", "password", "session", "signature"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// SecretName reports whether the name of a header or of a parameter says that its
// value is not to be shown.
func SecretName(name string) bool { return secretHeader(name) }

// show writes n as YAML, indented, with what is secret hidden.
func show(b *strings.Builder, n *tree.Node, depth int, secret bool) {
	if n == nil {
		return
	}
	indent := strings.Repeat("  ", depth)
	switch n.Kind {
	case tree.Mapping:
		for _, p := range n.Pairs {
			b.WriteString(indent + p.Key.Text + ":")
			showBehind(b, p.Value, depth, secret || slices.Contains(secretKeys, p.Key.Text) || secretHeader(p.Key.Text) && p.Value.Kind == tree.Scalar && !isFile(p.Key.Text))
		}
	case tree.List:
		for _, item := range n.List {
			b.WriteString(indent + "-")
			showBehind(b, item, depth, secret)
		}
	case tree.Scalar:
		b.WriteString(indent + showScalar(n, secret) + "\n")
	}
}

func isFile(key string) bool { return strings.HasSuffix(key, "_file") || key == "fail_if_not_ssl" }

func showBehind(b *strings.Builder, n *tree.Node, depth int, secret bool) {
	switch n.Kind {
	case tree.Scalar:
		b.WriteString(" " + showScalar(n, secret) + "\n")
	case tree.Mapping, tree.List:
		b.WriteByte('\n')
		show(b, n, depth+1, secret)
	default:
		b.WriteByte('\n')
	}
}

func showScalar(n *tree.Node, secret bool) string {
	if secret {
		return strconv.Quote(hidden)
	}
	text := n.Text
	if u, err := url.Parse(text); err == nil && u.User != nil {
		text = showURL(u)
	}
	if n.Quoted || text != n.Text || strings.ContainsAny(text, "\n:#{}[]&*!|>'\"%@`") {
		return strconv.Quote(text)
	}
	return text
}
