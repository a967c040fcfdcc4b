package config_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"toban/config"
)

func TestANameThatCanNotBeReadIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		`""`:                                 "is empty",
		`"　"`:                                "is empty",
		`"\0"`:                               "can't be seen",
		`"shop\u202e"`:                       "can't be seen",
		`"` + strings.Repeat("店", 201) + `"`: "more than 200 characters",
		`"` + strings.Repeat("店", 200) + `"`: "",
		`"通販サイト　本店 👩‍💻"`:                     "",
	} {
		_, problems := config.LoadFS(fstest.MapFS{"x.yaml": &fstest.MapFile{Data: []byte("users:\n  matsu:\n    name: " + name + "\n")}})
		said := ""
		for _, p := range problems {
			if p.Line == 3 && p.Severity == config.Error {
				said = p.Message
			}
		}
		if want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("%s: got %q, want %q", name, said, want)
		}
	}
}
