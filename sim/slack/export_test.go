package slack

// Words are the page's texts, for the test that compares the languages.
func Words(language string) map[string]string { return words[language] }
