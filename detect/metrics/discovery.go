package metrics

import (
	"fmt"
	"regexp"
	"strings"

	_ "github.com/prometheus/prometheus/discovery/dns"  // dns_sd_configs
	_ "github.com/prometheus/prometheus/discovery/file" // file_sd_configs
	_ "github.com/prometheus/prometheus/discovery/http" // http_sd_configs
)

var unknownField = regexp.MustCompile(`^field (\S+) not found in type`)

// explain makes a problem of what Prometheus' reader says about a line. What it
// calls a field not found may be a discovery that toban leaves out: the clouds'
// client libraries would more than double the program.
func (d document) explain(line int, message string) Problem {
	m := unknownField.FindStringSubmatch(message)
	if m == nil {
		return d.problem(line, "", message)
	}
	name := m[1]
	if strings.HasSuffix(name, "_sd_configs") || strings.HasSuffix(name, "_sd_config") {
		return d.problem(line, name, fmt.Sprintf("toban finds targets with static_configs, file_sd_configs, http_sd_configs and dns_sd_configs; "+
			"%s is not built in. Have its targets written to a file that file_sd_configs reads, or served at an address that http_sd_configs asks; "+
			"or keep this job in your own Prometheus and let that remote_write to toban", name))
	}
	return d.problem(line, name, fmt.Sprintf("unknown setting %s", name))
}
