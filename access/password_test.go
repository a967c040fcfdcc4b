package access_test

import (
	"strings"
	"testing"

	"toban/access"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, password, code string }{
		{"a sentence", good, ""},
		{"ten characters", "abcd-fghij", ""},
		{"nine", "abcd-fghi", "access.password_short"},
		{"nothing", "", "access.password_short"},
		{"nine of three bytes", "松竹梅松竹梅松竹梅", "access.password_short"},
		{"ten of three bytes", "まつたけうめのきのえだ", ""},
		{"256 characters", strings.Repeat("梅松竹い", 64), ""},
		{"257 characters", strings.Repeat("梅松竹い", 64) + "x", "access.password_long"},
		{"a megabyte", strings.Repeat("ab1-", 1<<18), "access.password_long"},
		{"the name", "umeboshi-san", "access.password_name"},
		{"the name in capitals", "UMEBOSHI-SAN", "access.password_name"},
		{"everybody's first", "password123", "access.password_common"},
		{"the same in capitals", "Password123", "access.password_common"},
		{"one character", strings.Repeat("a", 20), "access.password_common"},
		{"three", "abcabcabcabcabc", "access.password_common"},
		{"bytes that are no text", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6 abc", ""},
	} {
		fails(t, tc.name, access.CheckPassword("umeboshi-san", tc.password), tc.code)
	}
}
