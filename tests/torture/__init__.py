"""Programs that try to break typedtrack's promises: `make torture`; the tests here are short versions of them."""
