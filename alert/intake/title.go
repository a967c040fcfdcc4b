package intake

import (
	"maps"
	"slices"
	"strings"

	"toban/oncall"
)

// alertTitle is what people read first: the summary, else the name of the alert
// and what tells it from others of that name.
func alertTitle(labels, annotations map[string]string) string {
	for _, name := range []string{"summary", "title", "message", "description"} {
		if text := strings.TrimSpace(annotations[name]); text != "" {
			return text
		}
	}
	return strings.Join(append(strings.Fields(labels["alertname"]), which(labels)...), " ")
}

// mostTelling is how many labels a title has beside the name of the alert.
const mostTelling = 3

// telling are the labels by which exporters name what they look at.
func telling() []string {
	return []string{
		"instance", "target", "url", "host", "hostname", "node", "pod", "container", "device", "mountpoint", "interface", "queue", "topic", "name",
	}
}

// common are labels that alerts of one name have in common, or that say who asks.
func common() []string {
	return []string{
		"alertname", "severity", "priority", "job", "prometheus", "prometheus_replica", "replica", "receiver", "team", "owner", "service", "product",
		"env", "environment", "stage", oncall.LabelService, monitorLabel, kindLabel,
	}
}

// which are the values of the labels that tell an alert from others of its name,
// or, where none of the usual names is among them, those labels in whole.
func which(labels map[string]string) (all []string) {
	for _, name := range telling() {
		if value := labels[name]; value != "" && !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	if len(all) == 0 {
		same := common()
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if labels[name] != "" && !slices.Contains(same, name) {
				all = append(all, name+"="+labels[name])
			}
		}
	}
	return all[:min(len(all), mostTelling)]
}
