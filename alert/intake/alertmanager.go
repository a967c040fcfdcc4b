package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"toban/oncall"
)

// alertmanagerWebhook is the body of Alertmanager's webhook, version 4.
// Members that are not named here are ignored, as its authors ask of receivers.
type alertmanagerWebhook struct {
	Version           string              `json:"version"`
	GroupKey          string              `json:"groupKey"`
	CommonAnnotations map[string]string   `json:"commonAnnotations"`
	Alerts            []alertmanagerAlert `json:"alerts"`
}

type alertmanagerAlert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`
	Fingerprint  string            `json:"fingerprint"`
	GeneratorURL string            `json:"generatorURL"`
}

// parseAlertmanager reads a webhook of Alertmanager: one signal an alert, one
// incident a group, since the team has already said in its route what belongs
// together.
func parseAlertmanager(body []byte, _ *oncall.Integration) ([]oncall.Signal, error) {
	var hook alertmanagerWebhook
	if err := json.Unmarshal(body, &hook); err != nil {
		return nil, malformed(err)
	}
	if hook.Version != "" && hook.Version != "4" {
		return nil, invalid("/version", "toban reads version 4 of Alertmanager's webhook, not %q", hook.Version)
	}
	if len(hook.Alerts) == 0 {
		return nil, invalid("/alerts", "there is no alert in the request")
	}
	signals := make([]oncall.Signal, 0, len(hook.Alerts))
	for n, a := range hook.Alerts {
		s, err := a.signal(hook.GroupKey)
		if err != nil {
			err.Field = fmt.Sprintf("/alerts/%d%s", n, err.Field)
			return nil, err
		}
		signals = append(signals, s)
	}
	return signals, nil
}

func (a alertmanagerAlert) signal(groupKey string) (oncall.Signal, *oncall.Error) {
	s := oncall.Signal{Key: a.Fingerprint, Labels: a.Labels, Annotations: a.Annotations, StartsAt: since(a.StartsAt)}
	switch a.Status {
	case "firing":
		s.Action = oncall.Trigger
	case "resolved":
		s.Action = oncall.Resolve
	default:
		return s, invalid("/status", "the status is firing or resolved, not %q", a.Status)
	}
	if len(a.Labels) == 0 {
		return s, invalid("/labels", "an alert needs at least one label")
	}
	if s.Key == "" {
		s.Key = Fingerprint(a.Labels)
	}
	if groupKey != "" {
		s.GroupKey = hashed(groupKey)
	}
	var known bool
	if s.Severity, known = oncall.ParseSeverity(a.Labels["severity"]); !known {
		if s.Unknown = a.Labels["severity"]; s.Unknown == "" {
			s.Unknown = "-"
		}
	}
	s.Title = alertTitle(a.Labels, a.Annotations)
	return s, nil
}

// Fingerprint is Prometheus' fingerprint of a set of labels: FNV-1a over the
// sorted names and values (common/model.LabelsToSignature), in hexadecimal.
func Fingerprint(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	h := fnv.New64a()
	for _, name := range names {
		for _, part := range []string{name, labels[name]} {
			_, _ = h.Write([]byte(part)) // a hash never fails
			_, _ = h.Write([]byte{0xff})
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

func hashed(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// malformed says where JSON could not be read.
func malformed(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid("/"+strings.ReplaceAll(t.Field, ".", "/"), "expected %s, found %s", jsonName(t.Type.Kind().String()), t.Value)
	}
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		return invalid("", "the body is no JSON: %s at byte %d", s.Error(), s.Offset)
	}
	return invalid("", "the body is no JSON: it ends too early")
}

func jsonName(kind string) string {
	switch kind {
	case "slice", "array":
		return "an array"
	case "map", "struct":
		return "an object"
	case "string":
		return "a string"
	}
	return "a " + kind
}

func invalid(field, format string, args ...any) *oncall.Error {
	return &oncall.Error{Kind: oncall.Invalid, Code: "intake.invalid", Message: fmt.Sprintf(format, args...), Field: field}
}
