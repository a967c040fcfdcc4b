package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"toban/oncall"
)

// MonitorYAML is a monitor as a folder has it behind its name: what somebody
// wrote, with no secret in it. ReadMonitor reads it.
func MonitorYAML(m *oncall.Monitor) (string, error) {
	d := json.NewDecoder(strings.NewReader(m.Written))
	d.UseNumber()
	var out bytes.Buffer
	if err := yamlValue(&out, d, ""); err != nil {
		return "", fmt.Errorf("monitor %s: %w", m.ID, err)
	}
	return strings.TrimLeft(out.String(), "\n ") + "\n", nil
}

// yamlValue writes the next value of d behind a key or a dash, in its order.
func yamlValue(out *bytes.Buffer, d *json.Decoder, indent string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch v := t.(type) {
	case json.Delim:
		return yamlMany(out, d, v, indent)
	case string:
		out.WriteString(" " + yamlText(v))
	case nil:
		out.WriteString(" null")
	default:
		fmt.Fprintf(out, " %v", v)
	}
	return nil
}

func yamlMany(out *bytes.Buffer, d *json.Decoder, open json.Delim, indent string) error {
	if !d.More() {
		out.WriteString(map[json.Delim]string{'{': " {}", '[': " []"}[open])
	}
	for d.More() {
		out.WriteString("\n" + indent)
		if open == '[' {
			out.WriteString("-")
		} else {
			t, err := d.Token()
			if err != nil {
				return err
			}
			key, ok := t.(string)
			if !ok {
				return io.ErrUnexpectedEOF
			}
			out.WriteString(yamlText(key) + ":")
		}
		if err := yamlValue(out, d, indent+"  "); err != nil {
			return err
		}
	}
	_, err := d.Token() // its end
	return err
}

// yamlPlain is what needs no quotes and is text in every YAML: words, addresses,
// times such as 15s, and counts. What is written is kept as text whatever it is.
var yamlPlain = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,8}|[0-9]+(?:ms|s|m|h|d|x)|[A-Za-z/][A-Za-z0-9_./?&=%+@~-]*(?::[A-Za-z0-9_./?&=%+@~-]+)*)$`)

// yamlText is a text as YAML; what can't be plain is quoted as in JSON.
func yamlText(text string) string {
	switch strings.ToLower(text) {
	case "true", "false":
		return text
	case "yes", "no", "on", "off", "null", "y", "n":
	default:
		if yamlPlain.MatchString(text) {
			return text
		}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text always can be
	return strings.TrimSuffix(out.String(), "\n")
}
