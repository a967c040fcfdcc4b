package metrics

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// exporterAddress is where `toban exporter` answers /probe.
const exporterAddress = "127.0.0.1:9183"

// probeJob is what has to be known of a scrape job to see whether it asks an
// exporter about its targets.
type probeJob struct {
	JobName       string              `yaml:"job_name"`
	MetricsPath   string              `yaml:"metrics_path"`
	Params        map[string][]string `yaml:"params"`
	StaticConfigs []struct {
		Targets []yaml.Node `yaml:"targets"`
	} `yaml:"static_configs"`
	FileSDConfigs []struct {
		Files []yaml.Node `yaml:"files"`
	} `yaml:"file_sd_configs"`
	RelabelConfigs []struct {
		TargetLabel string `yaml:"target_label"`
	} `yaml:"relabel_configs"`
}

// probeAdvice is what probeJobs says about a prometheus.yml and about its
// scrape_config_files. Files that can't be read say nothing here.
func probeAdvice(config string) problems {
	if config == "" {
		return nil
	}
	paths := []string{config}
	var found problems
	for i := 0; i < len(paths); i++ {
		text, err := readFile(paths[i])
		if err != nil {
			continue
		}
		d := newDocument(paths[i], text)
		found = append(found, d.probeJobs()...)
		if more := d.at("scrape_config_files"); i == 0 && more != nil {
			scalars(more, func(n *yaml.Node) bool {
				files, _ := filepath.Glob(beside(config, n.Value)) // a bad pattern is said by Prometheus' own reader
				paths = append(paths, files...)
				return true
			})
		}
	}
	return found
}

// beside is a path as a file means it.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// probeJobs finds jobs that scrape /probe with URLs as targets and do not move
// them to where an exporter looks for them. Prometheus would connect to the
// URLs, or refuse the file; what is missing is always the same three steps.
func (d document) probeJobs() problems {
	jobs := d.at("scrape_configs")
	if jobs == nil || jobs.Kind != yaml.SequenceNode {
		return nil
	}
	var found problems
	for _, node := range jobs.Content {
		var job probeJob
		if err := node.Decode(&job); err != nil || path.Base(job.MetricsPath) != "probe" {
			continue // what can't be read is said by Prometheus' own reader
		}
		toExporter, toParam := false, len(job.Params["target"]) > 0
		for _, r := range job.RelabelConfigs {
			toExporter = toExporter || r.TargetLabel == "__address__"
			toParam = toParam || r.TargetLabel == "__param_target"
		}
		if toExporter && toParam {
			continue
		}
		if place, target := d.urlTarget(job); place != nil {
			found = append(found, d.probeProblem(node, job, place, target))
		}
	}
	return found
}

// urlTarget is the first target of a job that is a URL, with its place: its own,
// or that of the file_sd_configs entry whose file has it.
func (d document) urlTarget(job probeJob) (*yaml.Node, string) {
	for _, s := range job.StaticConfigs {
		for i := range s.Targets {
			if strings.Contains(s.Targets[i].Value, "/") {
				return &s.Targets[i], s.Targets[i].Value
			}
		}
	}
	for _, f := range job.FileSDConfigs {
		for i := range f.Files {
			if target := urlInFiles(beside(d.file, f.Files[i].Value)); target != "" {
				return &f.Files[i], target
			}
		}
	}
	return nil, ""
}

// urlInFiles is the first URL among the targets of the files that a pattern
// names; JSON is YAML too. Files that are not there yet say nothing.
func urlInFiles(pattern string) string {
	files, _ := filepath.Glob(pattern) // a bad pattern is said by Prometheus' own reader
	for _, file := range files {
		text, err := readFile(file)
		if err != nil {
			continue
		}
		var groups []struct {
			Targets []string `yaml:"targets"`
		}
		if err := yaml.Unmarshal(text, &groups); err != nil {
			continue
		}
		for _, g := range groups {
			for _, target := range g.Targets {
				if strings.Contains(target, "/") {
					return target
				}
			}
		}
	}
	return ""
}

func (d document) probeProblem(node *yaml.Node, job probeJob, place *yaml.Node, target string) Problem {
	key, relabel := entry(node, "relabel_configs")
	indent := strings.Repeat(" ", max(node.Column-1, 0))
	steps := []string{
		"  - source_labels: [__address__]",
		"    target_label: __param_target",
		"  - source_labels: [__param_target]",
		"    target_label: instance",
		"  - target_label: __address__",
		"    replacement: " + exporterAddress,
	}
	p := d.atNode(place, "")
	what := "add these lines to the job"
	switch {
	case key == nil:
		steps = append([]string{"relabel_configs:"}, steps...)
	case relabel.Kind == yaml.SequenceNode && len(relabel.Content) > 0:
		what = fmt.Sprintf("put these lines before the others of relabel_configs (line %d)", key.Line)
		// the items of the user's own list may stand less deep
		indent = strings.Repeat(" ", max(relabel.Content[0].Column-5, 0))
	default:
		what = fmt.Sprintf("put these lines in place of relabel_configs (line %d)", key.Line)
		steps = append([]string{"relabel_configs:"}, steps...)
	}
	for _, s := range steps {
		p.Lines = append(p.Lines, indent+s)
	}
	p.Message = fmt.Sprintf("job %q asks %s, but its target %q would be scraped itself instead of being handed to the exporter as ?target=; %s "+
		"(%s is where toban exporter listens; put your exporter's address there)", job.JobName, job.MetricsPath, target, what, exporterAddress)
	return p
}
