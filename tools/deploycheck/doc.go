// Package deploycheck holds the files under deploy/ to the rules of the tools
// that read them, on a machine that has none of these tools running: the
// Containerfile by BuildKit's parser, the compose files by Compose's own loader
// and schema, Kubernetes' manifests by its types, the chart by Helm's linter,
// schema check and renderer. What can be run is run: the program in the file
// system that the Containerfile makes, `toban check` on every configuration,
// promtool, amtool, dpkg-deb, systemd-analyze.
//
// It is a module of its own, so that none of these libraries comes near toban.
package deploycheck
