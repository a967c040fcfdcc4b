package config

// ResolveRef returns the value of a reference that is kept as text, such as the
// routing key of a pager in the store: env:NAME or file:PATH.
func ResolveRef(ref string, getenv func(string) string) (string, error) {
	return Secret{ref: ref}.Resolve(getenv)
}
